/* Sums of weights of -1, 0 and 1 times inputs, five weights in a byte, without a multiplication.
 *
 * A byte is the number of five digits in base 3 whose digits are the weights + 1, the first column in the lowest one.
 * For five inputs a byte can select only 243 sums: they are computed once, and every row looks its sums up.
 *
 * Two tables are made at once, in the halves of words: entry n holds S0[n] + 2^16 S1[n] with
 *
 *   S[n] = 640 + sum over i of (digit i of n - 1) * x[i],   x in [-128, 127]
 *
 * Exact: S[n] lies in [640 - 5 * 128, 640 + 5 * 128], and so does every sum on the way there, in which the digits that are
 * not reached yet are 0: 640 + sum over some i of (digit - 1) * x[i] - sum over the others of x[i]. So no half ever
 * becomes negative or greater than 1280, nothing is carried or borrowed between halves, and words may be added modulo
 * 2^32. The excess of the sums, 640 for every byte, depends only on the number of columns.
 *
 * Weights: tiles of TZ_BASE3_TILE rows (the last one may have fewer); in each for every 10 columns two bytes of each
 * row. Columns that pad the last 10 have inputs of 0.
 * Scratch: the tables (243) uint32, then the sums of a tile (at most TZ_BASE3_TILE) int32. */
#ifndef TEXTZOO_BASE3_SUMS_H
#define TEXTZOO_BASE3_SUMS_H

#include <stdint.h>

#include "textzoo/fully_connected_s8.h"

enum { TZ_BASE3_DIGITS = 5, TZ_BASE3_COLUMNS = 10, TZ_BASE3_ENTRIES = 243, TZ_BASE3_MIDDLE = 640, TZ_BASE3_TILE = 512 };

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { TZ_BASE3_LOW = 1, TZ_BASE3_HIGH = 0 };
#else
enum { TZ_BASE3_LOW = 0, TZ_BASE3_HIGH = 1 };
#endif

typedef union {
    uint32_t both;
    uint16_t half[2]; /* of two tables, see above */
} tz_base3_entry_t;

static inline uint32_t tz_base3_input(const int8_t *input, int32_t columns, int32_t column)
{
    return column < columns ? (uint32_t)input[column] : 0;
}

/* Compute the entries for one more digit. table: (3 * count), of which the first `count` are already set. */
static inline void tz_base3_add_digit(tz_base3_entry_t *table, int32_t count, uint32_t step)
{
#pragma GCC unroll 3
    for (tz_base3_entry_t *const end = table + count; table != end; ++table) {
        const uint32_t next = table->both + step;
        table[count].both = next;
        table[2 * count].both = next + step;
    }
}

/* input: (columns), of which the first 10 count; table: (243) */
__attribute__((noinline)) static void tz_base3_fill(const int8_t *input, int32_t columns, tz_base3_entry_t *table)
{
    uint32_t steps[TZ_BASE3_DIGITS], first = TZ_BASE3_MIDDLE * 0x00010001u;
    for (int32_t digit = 0; digit < TZ_BASE3_DIGITS; ++digit) {
        steps[digit] = tz_base3_input(input, columns, digit);
        steps[digit] += tz_base3_input(input, columns, digit + TZ_BASE3_DIGITS) << 16;
        first -= steps[digit];
    }
    table[0].both = first;
    tz_base3_add_digit(table, 1, steps[0]);
    tz_base3_add_digit(table, 3, steps[1]);
    tz_base3_add_digit(table, 9, steps[2]);
    tz_base3_add_digit(table, 27, steps[3]);
    tz_base3_add_digit(table, 81, steps[4]);
}

static inline uint32_t tz_base3_sum(const tz_base3_entry_t *table, const uint8_t *weights)
{
    return (uint32_t)table[weights[0]].half[TZ_BASE3_LOW] + table[weights[1]].half[TZ_BASE3_HIGH];
}

/* weights: (rows, 2); sums: (rows). Returns the weights behind them. */
__attribute__((noinline)) static const uint8_t *tz_base3_look_up(const uint8_t *weights, const tz_base3_entry_t *table,
                                                                 int32_t rows, uint32_t *sums)
{
    for (; rows >= 4; rows -= 4, sums += 4, weights += 8) {
        sums[0] += tz_base3_sum(table, weights);
        sums[1] += tz_base3_sum(table, weights + 2);
        sums[2] += tz_base3_sum(table, weights + 4);
        sums[3] += tz_base3_sum(table, weights + 6);
    }
    for (; rows > 0; --rows, ++sums, weights += 2) {
        sums[0] += tz_base3_sum(table, weights);
    }
    return weights;
}

/* The sums of a tile of `rows` rows, without the bias, behind the tables in the scratch memory. */
static inline int32_t *tz_base3_sums(const tz_fully_connected_s8_t *layer, const uint8_t **weights, const int8_t *input,
                                     int32_t rows, void *scratch)
{
    tz_base3_entry_t *const table = (tz_base3_entry_t *)scratch;
    uint32_t *const sums = (uint32_t *)scratch + TZ_BASE3_ENTRIES;
    const uint32_t tens = ((uint32_t)layer->columns + TZ_BASE3_COLUMNS - 1) / TZ_BASE3_COLUMNS;
    for (int32_t row = 0; row < rows; ++row) {
        sums[row] = 0u - 2 * TZ_BASE3_MIDDLE * tens;
    }
    for (int32_t column = 0; column < layer->columns; column += TZ_BASE3_COLUMNS) {
        tz_base3_fill(input + column, layer->columns - column, table);
        *weights = tz_base3_look_up(*weights, table, rows, sums);
    }
    return (int32_t *)sums;
}

#endif
