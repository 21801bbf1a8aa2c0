/* Cortex-M55 with the vector extension for integers (Helium): 11 instructions for 16 columns of a row whose weight is
 * not 0. Most weights of attention are 0 after rounding: such rows are left out first, which changes no sum. Sums wrap
 * like the generic kernel's: the same integers. */
#include "textzoo/weighted_sum_s8.h"

#include <arm_mve.h>

#include "../internal/remaining_rows.h"

enum { ENTRIES = 32, LANES = 4, GROUP = 4 * LANES /* columns */ };

typedef struct {
    const int8_t *row;
    int32_t weight;
} tz_weighted_row_t;

/* The next rows with weights that are not 0, at most ENTRIES; returns their end. */
static tz_weighted_row_t *select_rows(tz_remaining_rows_t *remaining, int32_t length, tz_weighted_row_t *entries)
{
    const tz_weighted_row_t *const full = entries + ENTRIES;
    const int8_t *row = remaining->row;
    const int16_t *weight = remaining->weight;
    for (; weight != remaining->end && entries != full; row += length, ++weight) {
        if (*weight) {
            *entries++ = (tz_weighted_row_t){row, *weight};
        }
    }
    *remaining = (tz_remaining_rows_t){row, weight, remaining->end};
    return entries;
}

#define ADD_FOUR(offset, sum) "vldrb.s32 q4, [r4, #" offset "]\nvmla.s32 " sum ", q4, r5\n"

/* Sixteen columns; there is at least one entry. */
static void add_group(const tz_weighted_row_t *entries, int32_t count, int32_t column, int32_t *sums)
{
    __asm__ volatile("vldrw.32 q0, [%[sums]]\n"
                     "vldrw.32 q1, [%[sums], #16]\n"
                     "vldrw.32 q2, [%[sums], #32]\n"
                     "vldrw.32 q3, [%[sums], #48]\n"
                     "dls lr, %[count]\n"
                     "1:\n"
                     "ldrd r4, r5, [%[entries]], #8\n"
                     "add r4, r4, %[column]\n" ADD_FOUR("0", "q0") ADD_FOUR("4", "q1") ADD_FOUR("8", "q2")
                         ADD_FOUR("12", "q3")
                     "le lr, 1b\n"
                     "vstrw.32 q0, [%[sums]]\n"
                     "vstrw.32 q1, [%[sums], #16]\n"
                     "vstrw.32 q2, [%[sums], #32]\n"
                     "vstrw.32 q3, [%[sums], #48]\n"
                     : [entries] "+r"(entries)
                     : [count] "r"(count), [column] "r"(column), [sums] "r"(sums)
                     : "r4", "r5", "lr", "q0", "q1", "q2", "q3", "q4", "memory");
}

/* Four columns, or the last ones. */
static void add_some(const tz_weighted_row_t *entry, const tz_weighted_row_t *end, int32_t column, int32_t columns,
                     int32_t *sums)
{
    const mve_pred16_t some = vctp32q((uint32_t)columns);
    int32x4_t sum = vldrwq_z_s32(sums, some);
    for (; entry != end; ++entry) {
        sum = vmlaq_n_s32(sum, vldrbq_z_s32(entry->row + column, some), entry->weight);
    }
    vstrwq_p_s32(sums, sum, some);
}

static void add_rows(const tz_weighted_row_t *entries, const tz_weighted_row_t *end, int32_t length, int32_t *sums)
{
    int32_t column = 0;
    for (; column + GROUP <= length; column += GROUP) {
        add_group(entries, (int32_t)(end - entries), column, sums + column);
    }
    for (; column < length; column += LANES) {
        add_some(entries, end, column, length - column, sums + column);
    }
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    tz_weighted_row_t entries[ENTRIES]; /* (end - entries) */
    tz_remaining_rows_t remaining = {rows, weights, weights + count};
    for (int32_t column = 0; column < length; ++column) {
        sums[column] = 0;
    }
    while (remaining.weight != remaining.end) {
        const tz_weighted_row_t *const end = select_rows(&remaining, length, entries);
        if (end != entries) {
            add_rows(entries, end, length, sums);
        }
    }
}
