/* FULLY_CONNECTED whose weights are computed too, or have a zero point. Bit for bit LiteRT's reference:
 *
 *   sum    = bias[n] + sum over k of (input[k] - input_zero_point) * (weights[n][k] - weights_zero_point)
 *   output = clamp(scaled(sum) + output_zero_point)
 *
 * Scaled: tz_scale_as_double by mantissa and exponent; weights of int16: tz_scale_wide by multiplier and shift. Sums: int32
 * for int8, int64 below 2^43 for int16. */
#ifndef TEXTZOO_FULLY_CONNECTED_COMPUTED_H
#define TEXTZOO_FULLY_CONNECTED_COMPUTED_H

#include <stdint.h>

typedef struct {
    const int64_t *bias;       /* (rows) */
    int64_t mantissa;          /* of the factor in double precision */
    int32_t exponent;
    int32_t multiplier, shift; /* weights of int16: the factor, its multiplier reduced to 16 bits, shift <= 7 */
    int32_t rows;              /* outputs, >= 1 */
    int32_t columns;           /* inputs, >= 1 */
    int32_t input_zero_point;  /* 0 for int16 */
    int32_t weights_zero_point;
    int32_t output_zero_point; /* 0 for int16 */
    int32_t minimum;           /* smallest output: the fused activation */
    int32_t maximum;           /* largest output */
} tz_fully_connected_computed_t;

/* input: (columns); weights: (rows, columns); output: (rows), overlapping neither. */
void tz_fully_connected_s8_computed(const tz_fully_connected_computed_t *layer, const int8_t *input,
                                    const int8_t *weights, int8_t *output);
void tz_fully_connected_s16_computed(const tz_fully_connected_computed_t *layer, const int16_t *input,
                                     const int8_t *weights, int16_t *output);
void tz_fully_connected_s16_s16_computed(const tz_fully_connected_computed_t *layer, const int16_t *input,
                                         const int16_t *weights, int16_t *output);

#endif
