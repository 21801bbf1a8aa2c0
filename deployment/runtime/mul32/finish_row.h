/* A row's sum to its output, for cores that may lack the upper half of a product. */
#ifndef TEXTZOO_FINISH_ROW_H
#define TEXTZOO_FINISH_ROW_H

#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

#if defined(__XTENSA__) && defined(__has_include)
#if __has_include(<xtensa/config/core-isa.h>)
#include <xtensa/config/core-isa.h>
#endif
#endif

#if defined(__XTENSA__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

/* The upper word of value * multiplier, multiplier >= 0. Where there is no instruction for it: schoolbook with digits of
 * 16 bits. No sum overflows, as 2^16 - 1 + (2^16 - 1)^2 < 2^32; a negative value counted as value + 2^32, which is
 * multiplier too much. */
static inline int32_t upper_product(int32_t value, int32_t multiplier)
{
#if defined(__XTENSA__) && !(defined(XCHAL_HAVE_MUL32_HIGH) && XCHAL_HAVE_MUL32_HIGH)
    const uint32_t a = (uint32_t)value, b = (uint32_t)multiplier;
    const uint32_t a0 = a & 0xFFFFu, a1 = a >> 16, b0 = b & 0xFFFFu, b1 = b >> 16;
    const uint32_t middle = a1 * b0 + (a0 * b0 >> 16);
    const uint32_t other = a0 * b1 + (middle & 0xFFFFu);
    const uint32_t upper = a1 * b1 + (middle >> 16) + (other >> 16);
    return (int32_t)(upper - (b & (uint32_t)(value >> 31)));
#else
    return (int32_t)(((int64_t)value * multiplier) >> 32);
#endif
}

/* Not inlined: compilers would begin its work before they know that it is needed. */
__attribute__((noinline)) static int32_t scale_up(int32_t sum, int32_t multiplier, int shift)
{
    return tz_scale_single(sum, multiplier, shift);
}

/* tz_scale_single. With total = 31 - shift >= 33 the rounding 2^(total - 1) is a multiple of 2^32: it belongs to the upper
 * word alone, and the lower one has no part in the result. */
static inline int32_t scale_row(int32_t sum, int32_t multiplier, int shift)
{
    const int above = -1 - shift; /* total - 32 */
    if (above < 1) {
        return scale_up(sum, multiplier, shift);
    }
    /* In two steps, because the sum of upper word and rounding may not fit 32 bits: half up = (floor(u / 2^(a-1)) + 1) / 2. */
    return ((upper_product(sum, multiplier) >> (above - 1)) + 1) >> 1;
}

/* At most `count` rows from `row` on; sums: (count) without the bias, of which `too_much` is taken off. */
static inline void finish_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t count, const int32_t *sums,
                               int32_t too_much, int8_t *output)
{
    const int32_t *const bias = layer->bias, *const multipliers = layer->multipliers;
    const int8_t *const shifts = layer->shifts;
    const int32_t end = row + count < layer->rows ? row + count : layer->rows;
    for (; row < end; ++row) {
        const int32_t sum = *sums++ - too_much + bias[row]; /* in this order nothing overflows */
        const int32_t scaled = scale_row(sum, multipliers[row], shifts[row]) + layer->output_zero_point;
        output[row] = (int8_t)tz_clamp(scaled, layer->minimum, layer->maximum);
    }
}

#endif
