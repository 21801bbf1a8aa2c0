#include "textzoo/linear_sum_s8.h"

#include "textzoo/fixedpoint.h"

void tz_linear_sum_s8(const tz_linear_sum_s8_t *sum, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < sum->count; ++i) {
        const int32_t value = sum->offset + a[i] * sum->a_factor + b[i] * sum->b_factor;
        output[i] = (int8_t)tz_clamp(value >> TZ_LINEAR_SHIFT, INT8_MIN, INT8_MAX);
    }
}
