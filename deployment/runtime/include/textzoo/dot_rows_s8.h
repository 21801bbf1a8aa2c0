/* Many int8 rows against one int16 vector: the scores of attention. */
#ifndef TEXTZOO_DOT_ROWS_S8_H
#define TEXTZOO_DOT_ROWS_S8_H

#include <stdint.h>

/* sums[row] = sum over i of rows[row][i] * vector[i], exact in int32 (|vector[i]| <= 255 and length <= 32768, or any
 * others whose partial sums all fit int32).
 * rows: (count, length) int8, one after the other; vector: (length) int16, 4-byte aligned; sums: (count) int32. */
void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums);

#endif
