/* Scales a row's sum to its output, for cores that may lack an instruction for the upper half of a product. */
#ifndef TEXTZOO_FINISH_ROW_H
#define TEXTZOO_FINISH_ROW_H

#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

#if defined(__XTENSA__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

/* Only some loops: thumb_words.inc. */
#if defined(__ARM_ARCH_6M__) && !defined(TZ_NO_ASSEMBLY)
#define THUMB_WORDS 1
#else
#define THUMB_WORDS 0
#endif

/* The upper word of value * multiplier. */
static inline int32_t upper_product(int32_t value, int32_t multiplier)
{
#if defined(TZ_HALVES)
    const tz_product_t product = tz_product_of_halves(value, multiplier);
    return product.upper + (product.middle >> 16);
#else
    return (int32_t)(((int64_t)value * multiplier) >> 32);
#endif
}

/* Not inlined: compilers would compute parts of it before it is known to be needed. */
__attribute__((noinline)) static int32_t scale_up(int32_t sum, int32_t multiplier, int shift)
{
    return tz_scale_single(sum, multiplier, shift);
}

/* tz_scale_single. With total = 31 - shift >= 33 the rounding 2^(total - 1) is a multiple of 2^32: it changes only the
 * upper word, and the lower one does not affect the result. */
static inline int32_t scale_row(int32_t sum, int32_t multiplier, int shift)
{
    const int above = -1 - shift; /* total - 32 */
    if (__builtin_expect(above < 1, 0)) {
        return scale_up(sum, multiplier, shift);
    }
    /* In two steps, because the sum of upper word and rounding may not fit 32 bits: half up is
     * (floor(u / 2^(a-1)) + 1) / 2. */
    return ((upper_product(sum, multiplier) >> (above - 1)) + 1) >> 1;
}

/* At most `count` rows from `row` on; sums: (count) without the bias, of which `too_much` is subtracted. */
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
