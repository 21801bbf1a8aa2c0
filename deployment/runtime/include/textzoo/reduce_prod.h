/* REDUCE_PROD of quantized values over neighbouring axes. Bit for bit LiteRT's reference, which scales after every
 * multiplication, and once more at the end, so that n factors get n scales:
 *
 *   p = input[o][0][i] - zero point, then for r = 1, 2, ...: p = tz_scale_wide(p * (input[o][r][i] - zero point), scale)
 *   output[o][i] = clamp(tz_scale_wide(p, scale) + output zero point)
 *
 * Each step wraps around in 32 bits. */
#ifndef TEXTZOO_REDUCE_PROD_H
#define TEXTZOO_REDUCE_PROD_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

typedef struct {
    int32_t outer, reduced, inner; /* the input's three axes, >= 1 each */
    int32_t zero_point, output_zero_point;
    tz_wide_scale_t scale; /* shift in [-31, 7] */
} tz_reduce_prod_t;

/* input: (outer, reduced, inner); output: (outer, inner), not overlapping. */
void tz_reduce_prod_s8(const tz_reduce_prod_t *reduce, const int8_t *input, int8_t *output);
void tz_reduce_prod_s16(const tz_reduce_prod_t *reduce, const int16_t *input, int16_t *output);

#endif
