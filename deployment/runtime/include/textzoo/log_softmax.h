/* LOG_SOFTMAX over the last axis. Bit for bit LiteRT's reference: fixed point throughout, no table for the logarithm. */
#ifndef TEXTZOO_LOG_SOFTMAX_H
#define TEXTZOO_LOG_SOFTMAX_H

#include <stdint.h>

/* int8 to int8, scale 1/16, zero point 127. A value `distances` or more below the largest one counts as 0 in the sum,
 * and gives the smallest output. */
typedef struct {
    const int32_t *exponentials; /* (distances) exp(-distance * scale), 19 fraction bits */
    int32_t distances;           /* [1, 256] */
    int32_t multiplier, shift;   /* the input's scale to 26 fraction bits; shift in [1, 30] */
    int32_t reverse_multiplier;  /* and back, shift in [-31, 0] */
    int32_t reverse_shift;
    int32_t rows, columns;       /* of input and output, >= 1 each; at most 4095 columns */
} tz_log_softmax_s8_t;

/* input, output: (rows, columns); may be the same memory. */
void tz_log_softmax_s8(const tz_log_softmax_s8_t *softmax, const int8_t *input, int8_t *output);

#endif
