#include "textzoo/batch_matmul.h"

#include "textzoo/fixedpoint.h"

/* Sums wrap around in 32 bits, as LiteRT's do. */
static int8_t element(const tz_batch_matmul_t *product, const int8_t *a, const int8_t *b)
{
    uint32_t sum = 0;
    for (int32_t k = 0; k < product->depth; ++k) {
        sum += (uint32_t)((*a - product->a_zero_point) * (*b - product->b_zero_point));
        a += product->a_depth_stride;
        b += product->b_depth_stride;
    }
    sum = (uint32_t)tz_scale_double((int32_t)sum, product->multiplier, (int)product->shift);
    return (int8_t)tz_clamp((int32_t)(sum + (uint32_t)product->output_zero_point), INT8_MIN, INT8_MAX);
}

void tz_batch_matmul_s8(const tz_batch_matmul_t *product, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t batch = 0; batch < tz_batch_count(product); ++batch) {
        const int8_t *left = a + tz_batch_offset(product, product->a_batch_strides, batch);
        const int8_t *right = b + tz_batch_offset(product, product->b_batch_strides, batch);
        for (int32_t row = 0; row < product->rows; ++row) {
            for (int32_t column = 0; column < product->columns; ++column) {
                *output++ = element(product, left, right + column * product->b_column_stride);
            }
            left += product->a_row_stride;
        }
    }
}
