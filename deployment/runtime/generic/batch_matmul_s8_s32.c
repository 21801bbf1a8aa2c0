#include "textzoo/batch_matmul.h"

/* Sums wrap around in 32 bits, as LiteRT's do. */
static int32_t element(const tz_batch_matmul_t *product, const int8_t *a, const int8_t *b)
{
    uint32_t sum = 0;
    for (int32_t k = 0; k < product->depth; ++k) {
        sum += (uint32_t)(*a * *b);
        a += product->a_depth_stride;
        b += product->b_depth_stride;
    }
    return (int32_t)sum;
}

void tz_batch_matmul_s8_s32(const tz_batch_matmul_t *product, const int8_t *a, const int8_t *b, int32_t *output)
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
