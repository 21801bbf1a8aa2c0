/* L2_NORMALIZATION over the last axis: each row divided by the root of the sum of its squares. Bit for bit LiteRT's
 * reference. A row of zeros stays zero. */
#ifndef TEXTZOO_L2_NORMALIZATION_H
#define TEXTZOO_L2_NORMALIZATION_H

#include <stdint.h>

/* int8 to int8, scale 1/128, zero point 0. The sum of a row's squares must fit 31 bits: 33025 columns always do. */
typedef struct {
    int32_t zero_point;    /* of the input */
    int32_t rows, columns; /* of input and output, >= 1 each */
} tz_l2_normalization_s8_t;

/* input, output: (rows, columns); may be the same memory. */
void tz_l2_normalization_s8(const tz_l2_normalization_s8_t *normalization, const int8_t *input, int8_t *output);

#endif
