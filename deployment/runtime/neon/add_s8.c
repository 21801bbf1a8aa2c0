/* 64-bit Arm cores: sixteen elements at a time, four in a vector of int32; the rest like the generic kernel. */
#include "textzoo/add_s8.h"

#include "../internal/neon_scale.h"

enum { GROUP = 16, VECTORS = 4 };

void tz_add_s8(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    const tz_lanes_scale_t from_a = tz_lanes_scale(add->a), from_b = tz_lanes_scale(add->b);
    const tz_lanes_scale_t to_output = tz_lanes_scale(add->output);
    const int8x16_t minimum = vdupq_n_s8((int8_t)add->minimum), maximum = vdupq_n_s8((int8_t)add->maximum);
    int32_t i = 0;
    for (; i + GROUP <= add->count; i += GROUP) {
        int32x4_t left[VECTORS], right[VECTORS];
        tz_widen_sixteen(vld1q_s8(a + i), add->a_zero_point, left);
        tz_widen_sixteen(vld1q_s8(b + i), add->b_zero_point, right);
        for (int vector = 0; vector < VECTORS; ++vector) {
            const int32x4_t sum = vaddq_s32(tz_scale_four(left[vector], from_a), tz_scale_four(right[vector], from_b));
            left[vector] = tz_scale_four(sum, to_output);
        }
        vst1q_s8(output + i, vmaxq_s8(vminq_s8(tz_narrow_sixteen(left), maximum), minimum));
    }
    for (; i < add->count; ++i) {
        const int32_t left = tz_scale_hoisted(a[i] - add->a_zero_point, add->a);
        const int32_t right = tz_scale_hoisted(b[i] - add->b_zero_point, add->b);
        output[i] = (int8_t)tz_clamp(tz_scale_hoisted(left + right, add->output), add->minimum, add->maximum);
    }
}
