/* MEAN and SUM over neighbouring axes. Bit for bit LiteRT's reference; the division by the count is part of the factor:
 *
 *   output[o][i] = clamp(tz_scale_double(sum over r of input[o][r][i] - zero point, multiplier, shift) + zero point)
 *
 * Sums wrap around in 32 bits, as LiteRT's do. */
#ifndef TEXTZOO_REDUCE_H
#define TEXTZOO_REDUCE_H

#include <stdint.h>

typedef struct {
    int32_t outer, reduced, inner; /* the input's three axes, >= 1 each */
    int32_t offset;                /* reduced * the input's zero point: subtracted from the sum */
    int32_t multiplier, shift;     /* the multiplier of a mean may lie below 2^30 */
    int32_t output_zero_point;
} tz_reduce_t;

/* MEAN. input: (outer, reduced, inner); output: (outer, inner), not overlapping. */
void tz_reduce_s8(const tz_reduce_t *reduce, const int8_t *input, int8_t *output);
void tz_reduce_s16(const tz_reduce_t *reduce, const int16_t *input, int16_t *output);

/* The same for SUM of int8 as LiteRT's reference kernel has it, which reads the bytes as unsigned: -1 counts as 255,
 * and the result is clamped to [0, 255] before its low byte is stored. The zero points stay signed. */
void tz_sum_s8(const tz_reduce_t *reduce, const int8_t *input, int8_t *output);

#endif
