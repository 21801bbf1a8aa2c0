/* LayerNorm as layer_norm_s8.h has it, the same integers, where the compiler has found simpler arithmetic that gives
 * them for all operands (numerics/linear_sums.py):
 *
 *   mean, square  as there
 *   d[i]          = clamp((input[i] * input_factor + mean * mean_factor + difference_offset) >> 22)            (int8)
 *   factor[i]     = tz_scaled_product(reciprocal deviation, gain[i], both less their zero points)              (int8)
 *   output[i]     = as there */
#ifndef TEXTZOO_LAYER_NORM_LINEAR_S8_H
#define TEXTZOO_LAYER_NORM_LINEAR_S8_H

#include <stdint.h>

#include "textzoo/elementwise.h"

/* clamp(((a * b * multiplier >> 16) + offset) >> shift) to int8; a and b are in [-255, 255]. */
typedef struct {
    int32_t multiplier; /* in (0, 2^23) */
    int32_t offset;     /* the output's zero point and a half, times 2^shift, or nearly */
    int32_t shift;      /* [1, 22] */
} tz_scaled_product_t;

static inline int32_t tz_scaled_product(int32_t a, int32_t b, tz_scaled_product_t scale)
{
    const int64_t product = (int64_t)(a * scale.multiplier) * b;
    return tz_clamp(((int32_t)(product >> 16) + scale.offset) >> scale.shift, INT8_MIN, INT8_MAX);
}

typedef struct {
    const int8_t *table; /* (256) the reciprocal of the deviation, for squares from -128 to 127 */
    const int8_t *gain;  /* (width) */
    int32_t width;       /* >= 1 */
    int32_t mean_offset; /* width * the input's zero point */
    tz_scale_t mean, square; /* from the sum to the mean, from the sum of squares to its int8 */
    int32_t difference_zero_point, factor_zero_point, table_zero_point, gain_zero_point;
    int32_t input_factor, mean_factor; /* in (-2^23, 2^23) */
    int32_t difference_offset;
    tz_scaled_product_t factor;
    tz_hoisted_t product; /* left is 1 */
} tz_layer_norm_linear_s8_t;

/* input, output: (width), may be the same memory. */
void tz_layer_norm_linear_s8(const tz_layer_norm_linear_s8_t *norm, const int8_t *input, int8_t *output);

#endif
