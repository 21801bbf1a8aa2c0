/* Many int16 rows against one int16 vector, scaled: the scores of attention. */
#ifndef TEXTZOO_DOT_ROWS_S16_H
#define TEXTZOO_DOT_ROWS_S16_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

/* scores[row] = tz_scaled_s16(sum over i of rows[row][i] * vector[i], scale); length in [1, 65536].
 * rows: (count, length) int16, one after the other; vector: (length) int16; scale: from sums to scores; scores: (count)
 * int16. */
void tz_dot_rows_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *vector, tz_wide_scale_t scale,
                     int16_t *scores);

#endif
