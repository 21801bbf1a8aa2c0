/* 64-bit Arm cores: 64, 32 or 16 columns of four rows at a time.
 *
 * A vector within [-127, 127], which a query nearly always is, is multiplied as int8: SMULL and SMLAL2 add two products
 * in int16, at most 2 * 127 * 128 = 32512, and SADALP adds neighbours to int32. Any other vector is multiplied as
 * int16. */
#include "textzoo/dot_rows_s8.h"

#include <arm_neon.h>

#include "../internal/dot_remaining.h"

enum { ROWS = 4, GROUP = 16 /* columns */, GROUPS = 4 };

/* `groups` times sixteen numbers as int8; whether they lie within [-127, 127]. */
static inline __attribute__((always_inline)) int narrow_vector(const int16_t *vector, int groups, int8x16_t *bytes)
{
    int16x8_t largest = vdupq_n_s16(0);
    for (int i = 0; i < groups; ++i) {
        const int16x8_t low = vld1q_s16(vector + GROUP * i), high = vld1q_s16(vector + GROUP * i + GROUP / 2);
        /* The magnitude of -32768 saturates to 32767. */
        largest = vmaxq_s16(largest, vmaxq_s16(vqabsq_s16(low), vqabsq_s16(high)));
        bytes[i] = vmovn_high_s16(vmovn_s16(low), high);
    }
    return vmaxvq_s16(largest) <= INT8_MAX;
}

/* Products of one row with bytes, summed in four lanes. */
static inline __attribute__((always_inline)) int32x4_t narrow_products(const int8_t *row, int groups,
                                                                       const int8x16_t *bytes)
{
    int32x4_t sum = vdupq_n_s32(0);
    for (int i = 0; i < groups; ++i) {
        const int8x16_t x = vld1q_s8(row + GROUP * i);
        sum = vpadalq_s16(sum, vmlal_high_s8(vmull_s8(vget_low_s8(x), vget_low_s8(bytes[i])), x, bytes[i]));
    }
    return sum;
}

/* The same with the vector as it is. */
static inline __attribute__((always_inline)) int32x4_t wide_products(const int8_t *row, int groups,
                                                                     const int16_t *vector)
{
    int32x4_t sum = vdupq_n_s32(0);
    for (int i = 0; i < 2 * groups; ++i) {
        const int16x8_t x = vmovl_s8(vld1_s8(row + 8 * i)), y = vld1q_s16(vector + 8 * i);
        sum = vmlal_high_s16(vmlal_s16(sum, vget_low_s16(x), vget_low_s16(y)), x, y);
    }
    return sum;
}

/* 16 * groups of the columns; `more`: added to the sums. */
static inline __attribute__((always_inline)) void dot_columns(const int8_t *rows, int32_t count, int32_t length,
                                                              const int16_t *vector, int groups, int more,
                                                              int32_t *sums)
{
    int8x16_t bytes[GROUPS];
    const int narrow = narrow_vector(vector, groups, bytes);
    for (; narrow && count >= ROWS; count -= ROWS, rows += ROWS * length, sums += ROWS) {
        const int32x4_t a = narrow_products(rows, groups, bytes);
        const int32x4_t b = narrow_products(rows + length, groups, bytes);
        const int32x4_t c = narrow_products(rows + 2 * length, groups, bytes);
        const int32x4_t d = narrow_products(rows + 3 * length, groups, bytes);
        const int32x4_t four = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
        vst1q_s32(sums, more ? vaddq_s32(four, vld1q_s32(sums)) : four);
    }
    for (; count > 0; --count, rows += length, ++sums) {
        *sums = vaddvq_s32(wide_products(rows, groups, vector)) + (more ? *sums : 0);
    }
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    int32_t column = 0;
    for (; column + 4 * GROUP <= length; column += 4 * GROUP) {
        dot_columns(rows + column, count, length, vector + column, 4, column > 0, sums);
    }
    if (column + 2 * GROUP <= length) {
        dot_columns(rows + column, count, length, vector + column, 2, column > 0, sums);
        column += 2 * GROUP;
    }
    if (column + GROUP <= length) {
        dot_columns(rows + column, count, length, vector + column, 1, column > 0, sums);
        column += GROUP;
    }
    if (column < length) {
        tz_dot_remaining_s8(rows + column, count, length, vector + column, length - column, column > 0, sums);
    }
}
