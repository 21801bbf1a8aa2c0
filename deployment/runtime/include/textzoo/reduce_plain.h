/* REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL, SUM and MEAN over neighbouring axes, of plain integers:
 * no scale, no zero point. Sums and products wrap around, as LiteRT's do; a mean is the sum in 64 bits divided by the
 * count, rounded towards zero. */
#ifndef TEXTZOO_REDUCE_PLAIN_H
#define TEXTZOO_REDUCE_PLAIN_H

#include <stdint.h>

typedef struct {
    int32_t outer, reduced, inner; /* the input's three axes, >= 1 each */
} tz_reduce_plain_t;

/* All of them take input: (outer, reduced, inner); output: (outer, inner), not overlapping. */
void tz_reduce_max_s8(const tz_reduce_plain_t *reduce, const int8_t *input, int8_t *output);
void tz_reduce_max_s16(const tz_reduce_plain_t *reduce, const int16_t *input, int16_t *output);
void tz_reduce_max_s32(const tz_reduce_plain_t *reduce, const int32_t *input, int32_t *output);
void tz_reduce_max_s64(const tz_reduce_plain_t *reduce, const int64_t *input, int64_t *output);

void tz_reduce_min_s8(const tz_reduce_plain_t *reduce, const int8_t *input, int8_t *output);
void tz_reduce_min_s16(const tz_reduce_plain_t *reduce, const int16_t *input, int16_t *output);
void tz_reduce_min_s32(const tz_reduce_plain_t *reduce, const int32_t *input, int32_t *output);
void tz_reduce_min_s64(const tz_reduce_plain_t *reduce, const int64_t *input, int64_t *output);

void tz_reduce_sum_s32(const tz_reduce_plain_t *reduce, const int32_t *input, int32_t *output);
void tz_reduce_sum_s64(const tz_reduce_plain_t *reduce, const int64_t *input, int64_t *output);

void tz_reduce_prod_s32(const tz_reduce_plain_t *reduce, const int32_t *input, int32_t *output);
void tz_reduce_prod_s64(const tz_reduce_plain_t *reduce, const int64_t *input, int64_t *output);

void tz_reduce_mean_s32(const tz_reduce_plain_t *reduce, const int32_t *input, int32_t *output);
void tz_reduce_mean_s64(const tz_reduce_plain_t *reduce, const int64_t *input, int64_t *output);

/* The same for values 0 and 1: 1 if any value, or every value, is 1. */
void tz_reduce_any(const tz_reduce_plain_t *reduce, const uint8_t *input, uint8_t *output);
void tz_reduce_all(const tz_reduce_plain_t *reduce, const uint8_t *input, uint8_t *output);

#endif
