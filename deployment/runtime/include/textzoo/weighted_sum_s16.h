/* The sum of int16 rows, each times its weight: what attention takes from its values. */
#ifndef TEXTZOO_WEIGHTED_SUM_S16_H
#define TEXTZOO_WEIGHTED_SUM_S16_H

#include <stdint.h>

/* sums[i] = sum over rows of weights[row] * rows[row][i], exact in int32 (sum of weights < 2^16, weights >= 0).
 * rows: (count, length) int16, one after the other; weights: (count) int16; sums: (length) int32. */
void tz_weighted_sum_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums);

#endif
