/* CUMSUM along one axis: the sum of everything up to each position. Sums wrap around, as LiteRT's do. */
#ifndef TEXTZOO_CUMSUM_H
#define TEXTZOO_CUMSUM_H

#include <stdint.h>

typedef struct {
    int32_t outer, positions, inner; /* the input's three axes, >= 1 each */
    int32_t exclusive;               /* 1: without the position itself */
    int32_t reverse;                 /* 1: from the last position on */
} tz_cumsum_t;

/* input, output: (outer, positions, inner), not overlapping. */
void tz_cumsum_s32(const tz_cumsum_t *cumsum, const int32_t *input, int32_t *output);
void tz_cumsum_s64(const tz_cumsum_t *cumsum, const int64_t *input, int64_t *output);

#endif
