/* Cortex-M55: four elements at a time as int32; the rest like the generic kernel. */
#include "textzoo/add_s8.h"

#include "../internal/mve_scale.h"

enum { LANES = 4 };

void tz_add_s8(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    const tz_hoisted_t from_a = add->a, from_b = add->b, to_output = add->output;
    const int32x4_t minimum = vdupq_n_s32(add->minimum), maximum = vdupq_n_s32(add->maximum);
    const int32_t a_zero_point = add->a_zero_point, b_zero_point = add->b_zero_point, count = add->count;
    int32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const int32x4_t left = tz_scale_four(vsubq_n_s32(vldrbq_s32(a + i), a_zero_point), from_a);
        const int32x4_t right = tz_scale_four(vsubq_n_s32(vldrbq_s32(b + i), b_zero_point), from_b);
        const int32x4_t sum = tz_scale_four(vaddq_s32(left, right), to_output);
        vstrbq_s32(output + i, vmaxq_s32(vminq_s32(sum, maximum), minimum));
    }
    for (; i < count; ++i) {
        const int32_t left = tz_scale_hoisted(a[i] - a_zero_point, from_a);
        const int32_t right = tz_scale_hoisted(b[i] - b_zero_point, from_b);
        output[i] = (int8_t)tz_clamp(tz_scale_hoisted(left + right, to_output), add->minimum, add->maximum);
    }
}
