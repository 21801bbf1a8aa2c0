/* Sums of columns of weights for those inputs that are not -128, the smallest code: after a ReLU it stands for 0.
 *
 * x = input + 128 lies in [0, 255]. Four weights, each + 128, of four rows in a column lie in a word: AND with 0x00FF00FF
 * gives u0 + 2^16 u2, the word shifted by 8 the other two. Two multiply-adds of 32 bits do four MACs:
 *
 *   sum over some columns of x (u0 + 2^16 u2) - 0x00800080 * (sum of x) = S0 + 2^16 S2,   S = sum of x w, modulo 2^32
 *
 * S0 and S2 can be separated while both fit int16. Weights lie in [-127, 127], so |S| <= 127 * (sum of x): columns are
 * taken in groups whose inputs are at most 258 in sum (127 * 258 = 32766). An input alone is never more.
 *
 * Weights: blocks of TZ_SPARSE_ROWS rows (the last one is padded), in each for every column a byte of each row.
 * Scratch: a word for every input above -128: its column * 2^12 + x * 2 + 1 if it is its group's last one. */
#ifndef TEXTZOO_SPARSE_COLUMNS_H
#define TEXTZOO_SPARSE_COLUMNS_H

#include <stdint.h>

#include "textzoo/fully_connected_s8.h"

enum { TZ_SPARSE_ROWS = 8, TZ_SPARSE_LARGEST = 258, TZ_SPARSE_LOWEST = -128, TZ_SPARSE_HALF = 1 << 15 };
/* Shifts of an entry's parts. The column's bytes begin at column * TZ_SPARSE_ROWS = entry >> 9. */
enum { TZ_SPARSE_COLUMN = 12, TZ_SPARSE_BYTES = 9, TZ_SPARSE_VALUE = 1 };
#define TZ_SPARSE_LAST 1u
#define TZ_SPARSE_MASK 0x00FF00FFu
#define TZ_SPARSE_BIAS 0x00800080u

/* input: (columns); entries: (columns). Returns the end of the entries written. */
static inline const uint32_t *tz_sparse_entries(const int8_t *input, int32_t columns, uint32_t *entries)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < columns; ++column) {
        const int32_t value = input[column] - TZ_SPARSE_LOWEST;
        if (value != 0) {
            sum += value;
            if (sum > TZ_SPARSE_LARGEST) {
                entries[-1] |= TZ_SPARSE_LAST;
                sum = value;
            }
            *entries++ = (uint32_t)column << TZ_SPARSE_COLUMN | (uint32_t)value << TZ_SPARSE_VALUE;
        }
    }
    if (sum > 0) {
        entries[-1] |= TZ_SPARSE_LAST;
    }
    return entries;
}

/* S0 and S2 added to two rows two apart, from S0 + 2^15 + 2^16 S2: the lower half is S0 + 2^15. */
static inline void tz_sparse_add(uint32_t both, int32_t *sums)
{
    sums[0] += (int32_t)(both & 0xFFFF) - TZ_SPARSE_HALF;
    sums[2] += (int32_t)both >> 16;
}

/* block: weights of (columns, TZ_SPARSE_ROWS); sums: (TZ_SPARSE_ROWS), which are added to. */
__attribute__((noinline)) static void tz_sparse_sums(const uint8_t *block, const uint32_t *entries, const uint32_t *end,
                                                     int32_t *sums)
{
    while (entries != end) {
        uint32_t even0 = 0, odd0 = 0, even1 = 0, odd1 = 0, total = 0, entry;
        do {
            entry = *entries++;
            const uint32_t *const words = (const uint32_t *)(const void *)(block + (entry >> TZ_SPARSE_BYTES));
            const uint32_t value = entry >> TZ_SPARSE_VALUE & 255, first = words[0], second = words[1];
            even0 += (first & TZ_SPARSE_MASK) * value;
            odd0 += (first >> 8 & TZ_SPARSE_MASK) * value;
            even1 += (second & TZ_SPARSE_MASK) * value;
            odd1 += (second >> 8 & TZ_SPARSE_MASK) * value;
            total += value;
        } while (!(entry & TZ_SPARSE_LAST));
        const uint32_t correction = TZ_SPARSE_HALF - TZ_SPARSE_BIAS * total;
        /* Compilers would keep the sums on the stack as well, for which there are no registers. */
        __asm__ volatile("" : : : "memory");
        tz_sparse_add(even0 + correction, sums);
        tz_sparse_add(odd0 + correction, sums + 1);
        tz_sparse_add(even1 + correction, sums + 4);
        tz_sparse_add(odd1 + correction, sums + 5);
    }
}

/* Computes the outputs of at most TZ_SPARSE_ROWS rows from `row` on. sums: (TZ_SPARSE_ROWS) without the bias; output:
 * (rows) of the whole layer. */
typedef void tz_sparse_finish_t(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *sums, int8_t *output);

/* The body of a kernel. */
static inline void tz_sparse_layer(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                   void *scratch, tz_sparse_finish_t *finish)
{
    const uint8_t *block = (const uint8_t *)layer->weights;
    const uint32_t *const end = tz_sparse_entries(input, layer->columns, (uint32_t *)scratch);
    for (int32_t row = 0; row < layer->rows; row += TZ_SPARSE_ROWS, block += TZ_SPARSE_ROWS * layer->columns) {
        int32_t sums[TZ_SPARSE_ROWS] = {0};
        tz_sparse_sums(block, (const uint32_t *)scratch, end, sums);
        finish(layer, row, sums, output);
    }
}

#endif
