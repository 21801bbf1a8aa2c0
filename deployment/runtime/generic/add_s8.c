#include "textzoo/add_s8.h"

void tz_add_s8(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < add->count; ++i) {
        const int32_t left = tz_scale_hoisted(a[i] - add->a_zero_point, add->a);
        const int32_t right = tz_scale_hoisted(b[i] - add->b_zero_point, add->b);
        output[i] = (int8_t)tz_clamp(tz_scale_hoisted(left + right, add->output), add->minimum, add->maximum);
    }
}
