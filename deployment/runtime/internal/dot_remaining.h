/* Shared by the variants of dot_rows_s8.h. */
#ifndef TEXTZOO_DOT_REMAINING_H
#define TEXTZOO_DOT_REMAINING_H

#include <stdint.h>

/* The columns that a variant leaves, one by one; `more`: added to the sums. */
static inline void tz_dot_remaining_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector,
                                       int32_t columns, int more, int32_t *sums)
{
    for (; count > 0; --count, rows += length, ++sums) {
        int32_t sum = more ? *sums : 0;
        for (int32_t column = 0; column < columns; ++column) {
            sum += rows[column] * vector[column];
        }
        *sums = sum;
    }
}

#endif
