/* 64-bit Arm cores, inputs of which many are -128, the code of 0 after a ReLU: the others' columns are added.
 *
 * x = input + 128 lies in [0, 255]; those above 127 count as several, x = 127 + 127 + 1 at the most, so that SMLAL takes
 * them. Its lanes of int16 hold sums of x w of 64 rows. Weights lie in [-127, 127]: columns are taken in groups whose x
 * are at most 258 in sum (127 * 258 = 32766), then the lanes are added to int32.
 *
 * Weights: blocks of 64 rows, then of 16, the last one filled up; in each column by column.
 * Scratch: for every part of an input a word, its column * 2^8 + x, and 2^31 more if it is its group's last one. */
#include "finish_rows.h"

enum {
    VECTORS = 4,              /* of 16 rows, in a wide block */
    WIDE = BLOCK * VECTORS,   /* rows */
    INPUTS = 8,               /* looked at at once */
    PART = 127,               /* largest part of an input */
    LARGEST_SUM = 258,        /* of the parts of a group */
    COLUMN = 8,               /* bit of an entry where the column begins */
};
#define LAST 0x80000000u
#define LOWEST 0x8080808080808080u

/* Entries so far, and the sum of the parts of the last group. */
typedef struct {
    uint32_t *next;
    uint32_t sum;
} tz_entry_list_t;

INLINE tz_entry_list_t add_input(tz_entry_list_t entries, uint32_t column, uint32_t value)
{
    while (value > 0) {
        const uint32_t part = value < PART ? value : PART;
        entries.sum += part;
        if (entries.sum > LARGEST_SUM) {
            entries.next[-1] |= LAST;
            entries.sum = part;
        }
        *entries.next++ = column << COLUMN | part;
        value -= part;
    }
    return entries;
}

/* Eight inputs, - 128, from `column` on. */
INLINE tz_entry_list_t add_inputs(tz_entry_list_t entries, uint32_t column, uint64_t values)
{
    while (values != 0) {
        const int bit = __builtin_ctzll(values) & ~7;
        entries = add_input(entries, column + (uint32_t)bit / 8, values >> bit & 255);
        values &= ~((uint64_t)255 << bit);
    }
    return entries;
}

/* input: (columns); entries: (3 * columns). Returns the end of those that there are. */
static const uint32_t *list_inputs(const int8_t *input, int32_t columns, uint32_t *first)
{
    tz_entry_list_t entries = {first, 0};
    uint64_t values;
    int32_t column = 0;
    for (; column + INPUTS <= columns; column += INPUTS) {
        memcpy(&values, input + column, sizeof values);
        entries = add_inputs(entries, (uint32_t)column, values ^ LOWEST);
    }
    values = LOWEST;
    memcpy(&values, input + column, (size_t)(columns - column));
    entries = add_inputs(entries, (uint32_t)column, values ^ LOWEST);
    if (entries.next != first) {
        entries.next[-1] |= LAST;
    }
    return entries.next;
}

/* One group of columns of 16 * `vectors` rows, added to the sums. Returns the next entry. */
INLINE const uint32_t *add_group(const int8_t *block, const uint32_t *entries, int vectors, int32x4_t *sums)
{
    int16x8_t lanes[2 * VECTORS];
    uint32_t entry;
#pragma GCC unroll 8
    for (int i = 0; i < 2 * vectors; ++i) {
        lanes[i] = vdupq_n_s16(0);
    }
    do {
        entry = *entries++;
        const int8x16_t x = vdupq_n_s8((int8_t)entry);
        const int8_t *column = block + (uint64_t)((entry & ~LAST) >> COLUMN) * BLOCK * (uint64_t)vectors;
#pragma GCC unroll 4
        for (int i = 0; i < vectors; ++i) {
            const int8x16_t w = vld1q_s8(column + BLOCK * i);
            lanes[2 * i] = vmlal_s8(lanes[2 * i], vget_low_s8(w), vget_low_s8(x));
            lanes[2 * i + 1] = vmlal_high_s8(lanes[2 * i + 1], w, x);
        }
    } while (!(entry & LAST));
#pragma GCC unroll 8
    for (int i = 0; i < 2 * vectors; ++i) {
        sums[2 * i] = vaddw_s16(sums[2 * i], vget_low_s16(lanes[i]));
        sums[2 * i + 1] = vaddw_high_s16(sums[2 * i + 1], lanes[i]);
    }
    return entries;
}

/* 16 * `vectors` rows from `row` on. */
INLINE void whole_block(const tz_fully_connected_s8_t *layer, int32_t row, const uint32_t *entries, const uint32_t *end,
                        int vectors, int8_t *output)
{
    const int8_t *const block = (const int8_t *)layer->weights + (int64_t)row * layer->columns;
    int32x4_t sums[4 * VECTORS];
#pragma GCC unroll 16
    for (int i = 0; i < 4 * vectors; ++i) {
        sums[i] = vld1q_s32(layer->bias + row + LANES * i);
    }
    while (entries != end) {
        entries = add_group(block, entries, vectors, sums);
    }
#pragma GCC unroll 4
    for (int i = 0; i < vectors; ++i) {
        requantize_block(layer, row + BLOCK * i, sums + 4 * i, output);
    }
}

/* The last rows, fewer than 16. */
static void rest_of_rows(const tz_fully_connected_s8_t *layer, int32_t row, const uint32_t *entries,
                         const uint32_t *end, int8_t *output)
{
    const int8_t *const block = (const int8_t *)layer->weights + (int64_t)row * layer->columns;
    const int32_t left = layer->rows - row;
    int32_t each[BLOCK] = {0};
    int32x4_t sums[BLOCK / LANES];
    memcpy(each, layer->bias + row, (size_t)left * sizeof *each);
    memcpy(sums, each, sizeof sums);
    while (entries != end) {
        entries = add_group(block, entries, 1, sums);
    }
    memcpy(each, sums, sizeof each);
    requantize_rows(layer, row, left, each, output);
}

void tz_fully_connected_s8_sparse(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                  void *scratch)
{
    const uint32_t *const entries = scratch, *const end = list_inputs(input, layer->columns, scratch);
    int32_t row = 0;
    for (; row + WIDE <= layer->rows; row += WIDE) {
        whole_block(layer, row, entries, end, VECTORS, output);
    }
    for (; row + BLOCK <= layer->rows; row += BLOCK) {
        whole_block(layer, row, entries, end, 1, output);
    }
    if (row < layer->rows) {
        rest_of_rows(layer, row, entries, end, output);
    }
}
