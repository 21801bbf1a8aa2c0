/* LayerNorm without a bias, fused from MEAN, SUB, BATCH_MATMUL of the differences with themselves, a table (ADD of
 * epsilon and RSQRT), and two MULs of LiteRT's reference kernels, bit for bit:
 *
 *   mean        = clamp(tz_scale_double(sum of input - zero points, mean) + zero point)                       (int8)
 *   d[i]        = tz_subtract(input[i], mean)                                                                 (int8)
 *   square      = clamp(tz_scale_double(sum of (d[i] - zero point)^2, square) + zero point)                   (int8)
 *   factor[i]   = tz_multiply(table[square], gain[i])                                                         (int8)
 *   output[i]   = tz_multiply(d[i], factor[i])                                                                (int8) */
#ifndef TEXTZOO_LAYER_NORM_S8_H
#define TEXTZOO_LAYER_NORM_S8_H

#include <stdint.h>

#include "textzoo/elementwise.h"

typedef struct {
    const int8_t *table;            /* (256) the reciprocal of the deviation, for squares from -128 to 127 */
    const int8_t *gain;             /* (width) */
    int32_t width;                  /* >= 1 */
    int32_t mean_offset;            /* width * the input's zero point */
    tz_scale_t mean, square;        /* from the sum to the mean, from the sum of squares to its int8 */
    int32_t input_zero_point, mean_zero_point, difference_zero_point, factor_zero_point, table_zero_point;
    int32_t gain_zero_point;
    tz_hoisted_t input, raised_mean; /* to the common scale of SUB, its left shift included; no zero point */
    tz_hoisted_t difference;         /* from the common scale to d */
    tz_hoisted_t factor, product;
} tz_layer_norm_s8_t;

/* input, output: (width), may be the same memory. */
void tz_layer_norm_s8(const tz_layer_norm_s8_t *norm, const int8_t *input, int8_t *output);

#endif
