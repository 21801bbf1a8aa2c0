#include "textzoo/batch_matmul.h"

#include "textzoo/fixedpoint.h"

static int16_t element(const tz_batch_matmul_t *product, const int16_t *a, const int16_t *b)
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

static int16_t *matrix(const tz_batch_matmul_t *product, const int16_t *a, const int16_t *b, int16_t *output)
{
    for (int32_t row = 0; row < product->rows; ++row) {
        for (int32_t column = 0; column < product->columns; ++column) {
            *output++ = element(product, a, b + column * product->b_column_stride);
        }
        a += product->a_row_stride;
    }
    return output;
}

void tz_batch_matmul_s16(const tz_batch_matmul_t *product, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t *a_strides = product->a_batch_strides;
    const int32_t *b_strides = product->b_batch_strides;
    for (int32_t i = 0; i < product->batches[0]; ++i) {
        for (int32_t j = 0; j < product->batches[1]; ++j) {
            for (int32_t l = 0; l < product->batches[2]; ++l) {
                const int16_t *left = a + i * a_strides[0] + j * a_strides[1] + l * a_strides[2];
                const int16_t *right = b + i * b_strides[0] + j * b_strides[1] + l * b_strides[2];
                output = matrix(product, left, right, output);
            }
        }
    }
}
