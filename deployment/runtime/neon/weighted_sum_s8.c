/* 64-bit Arm cores: 64, 32 or 16 columns of four rows at a time.
 *
 * Most weights of attention are 0 after rounding: four zeros in a row are left out. Weights up to 127 are multiplied as
 * int8, and the products added in int16: as long as the weights add up to 255, no sum exceeds 255 * 128 = 32640. Then
 * the sums go to int32. Rows of larger weights are multiplied as int16 and added in int32 at once. */
#include "textzoo/weighted_sum_s8.h"

#include <arm_neon.h>
#include <string.h>

enum {
    ROWS = 4,
    GROUP = 16, /* columns */
    GROUPS = 4,
    ROOM = 255, /* of weights for sums in int16 */
};
#define ABOVE_127 UINT64_C(0xFF80FF80FF80FF80)
#define ONES UINT64_C(0x0001000100010001)

typedef struct {
    int16x8_t narrow[2 * GROUPS];
    int32x4_t wide[4 * GROUPS];
    uint32_t room; /* that the narrow sums still have */
} tz_column_sums_t;

static inline __attribute__((always_inline)) void flush(tz_column_sums_t *sums, int groups)
{
    for (int i = 0; i < 2 * groups; ++i) {
        sums->wide[2 * i] = vaddw_s16(sums->wide[2 * i], vget_low_s16(sums->narrow[i]));
        sums->wide[2 * i + 1] = vaddw_high_s16(sums->wide[2 * i + 1], sums->narrow[i]);
        sums->narrow[i] = vdupq_n_s16(0);
    }
    sums->room = ROOM;
}

static inline __attribute__((always_inline)) void add_narrow_row(tz_column_sums_t *sums, int groups, const int8_t *row,
                                                                 int8x16_t weight)
{
    for (int i = 0; i < groups; ++i) {
        const int8x16_t x = vld1q_s8(row + GROUP * i);
        sums->narrow[2 * i] = vmlal_s8(sums->narrow[2 * i], vget_low_s8(x), vget_low_s8(weight));
        sums->narrow[2 * i + 1] = vmlal_high_s8(sums->narrow[2 * i + 1], x, weight);
    }
}

static inline __attribute__((always_inline)) void add_wide_row(tz_column_sums_t *sums, int groups, const int8_t *row,
                                                               int16_t weight)
{
    for (int i = 0; i < 2 * groups; ++i) {
        const int16x8_t x = vmovl_s8(vld1_s8(row + 8 * i));
        sums->wide[2 * i] = vmlal_n_s16(sums->wide[2 * i], vget_low_s16(x), weight);
        sums->wide[2 * i + 1] = vmlal_high_n_s16(sums->wide[2 * i + 1], x, weight);
    }
}

/* Four rows with weights up to 127, which add up to 255 at the most. */
static inline __attribute__((always_inline)) void add_narrow_rows(tz_column_sums_t *sums, int groups,
                                                                  const int8_t *rows,
                                                                  int32_t length, uint64_t weights, uint32_t total)
{
    const int8x16_t bytes = vreinterpretq_s8_u64(vdupq_n_u64(weights));
    if (sums->room < total) {
        flush(sums, groups);
    }
    sums->room -= total;
    add_narrow_row(sums, groups, rows, vdupq_laneq_s8(bytes, 0));
    add_narrow_row(sums, groups, rows + length, vdupq_laneq_s8(bytes, 2));
    add_narrow_row(sums, groups, rows + 2 * length, vdupq_laneq_s8(bytes, 4));
    add_narrow_row(sums, groups, rows + 3 * length, vdupq_laneq_s8(bytes, 6));
}

/* 16 * groups of the columns. */
static inline __attribute__((always_inline)) void sum_columns(const int8_t *rows, int32_t count, int32_t length,
                                                              const int16_t *weights, int groups, int32_t *output)
{
    tz_column_sums_t sums = {.room = ROOM};
    for (; count >= ROWS; count -= ROWS, rows += ROWS * length, weights += ROWS) {
        uint64_t four;
        memcpy(&four, weights, sizeof four);
        if (four == 0) {
            continue;
        }
        /* Up to 4 * 127, which the upper 16 bits hold; of larger weights it is not used. */
        const uint32_t total = (uint32_t)(four * ONES >> 48);
        if ((four & ABOVE_127) == 0 && total <= ROOM) {
            add_narrow_rows(&sums, groups, rows, length, four, total);
        } else {
            for (int32_t row = 0; row < ROWS; ++row) {
                add_wide_row(&sums, groups, rows + row * length, weights[row]);
            }
        }
    }
    for (; count > 0; --count, rows += length, ++weights) {
        add_wide_row(&sums, groups, rows, *weights);
    }
    flush(&sums, groups);
    for (int i = 0; i < 4 * groups; ++i) {
        vst1q_s32(output + 4 * i, sums.wide[i]);
    }
}

/* The last columns, fewer than sixteen. */
static void sum_remaining(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t columns,
                          int32_t *sums)
{
    for (int32_t column = 0; column < columns; ++column) {
        int32_t sum = 0;
        for (int32_t row = 0; row < count; ++row) {
            sum += weights[row] * rows[row * length + column];
        }
        sums[column] = sum;
    }
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t column = 0;
    for (; column + 4 * GROUP <= length; column += 4 * GROUP) {
        sum_columns(rows + column, count, length, weights, 4, sums + column);
    }
    if (column + 2 * GROUP <= length) {
        sum_columns(rows + column, count, length, weights, 2, sums + column);
        column += 2 * GROUP;
    }
    if (column + GROUP <= length) {
        sum_columns(rows + column, count, length, weights, 1, sums + column);
        column += GROUP;
    }
    if (column < length) {
        sum_remaining(rows + column, count, length, weights, length - column, sums + column);
    }
}
