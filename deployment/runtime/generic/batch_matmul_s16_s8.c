#include "textzoo/batch_matmul.h"

#include "textzoo/fixedpoint.h"

static int16_t element(const tz_batch_matmul_t *product, const int16_t *a, const int8_t *b)
{
    int64_t sum = 0;
    for (int32_t k = 0; k < product->depth; ++k) {
        sum += *a * *b;
        a += product->a_depth_stride;
        b += product->b_depth_stride;
    }
    const int32_t scaled = tz_scale_wide(sum, product->multiplier, (int)product->shift);
    return (int16_t)tz_clamp(scaled, INT16_MIN, INT16_MAX);
}

void tz_batch_matmul_s16_s8(const tz_batch_matmul_t *product, const int16_t *a, const int8_t *b, int16_t *output)
{
    for (int32_t batch = 0; batch < tz_batch_count(product); ++batch) {
        const int16_t *left = a + tz_batch_offset(product, product->a_batch_strides, batch);
        const int8_t *right = b + tz_batch_offset(product, product->b_batch_strides, batch);
        for (int32_t row = 0; row < product->rows; ++row) {
            for (int32_t column = 0; column < product->columns; ++column) {
                *output++ = element(product, left, right + column * product->b_column_stride);
            }
            left += product->a_row_stride;
        }
    }
}
