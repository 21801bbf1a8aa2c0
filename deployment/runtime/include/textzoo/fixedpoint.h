/* Fixed-point scaling as LiteRT's reference kernels do it. A real factor m in (0, 2^30) is given as two integers:
 * m = multiplier / 2^31 * 2^shift, multiplier in [2^30, 2^31), or 0 for m = 0. The roundings differ, per operator. */
#ifndef TEXTZOO_FIXEDPOINT_H
#define TEXTZOO_FIXEDPOINT_H

#include <stdint.h>

#include "textzoo/arch/core.h"

/* Of a value above 0; an int may have 16 bits. */
static inline int tz_leading_zeros_32(uint32_t value)
{
#if __SIZEOF_INT__ < 4
    return __builtin_clzl(value);
#else
    return __builtin_clz(value);
#endif
}

/* A function in plain C after TZ_HAS_... is compiled unless a header of arch/ defines it with the core's instructions
 * and the same results. */
#if !defined(TZ_HAS_CLAMP)
static inline int32_t tz_clamp(int32_t value, int32_t minimum, int32_t maximum)
{
    if (value < minimum) {
        return minimum;
    }
    return value > maximum ? maximum : value;
}
#endif

/* The same for value / 2^shift, rounded down; shift in [1, 31]. */
#if !defined(TZ_HAS_CLAMP_SHIFTED)
static inline int32_t tz_clamp_shifted(int32_t value, int shift, int32_t minimum, int32_t maximum)
{
    return tz_clamp(value >> shift, minimum, maximum);
}
#endif

/* Single rounding, half up: (value * multiplier + 2^(30 - shift)) >> (31 - shift); shift in [-31, 30].
 * FULLY_CONNECTED of int8, which LiteRT computes in double precision: the compiler chooses a multiplier that gives the
 * same integer for every sum that can occur, and proves it (compiler/requantization.py). */
static inline int32_t tz_scale_single(int32_t value, int32_t multiplier, int shift)
{
    const int total = 31 - shift;
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << (total - 1))) >> total);
}

/* The same for sums of int16 products, |value| < 2^32, with a factor of 62 bits (high + low / 2^31) / 2^31 * 2^shift,
 * rounded half away from zero. FULLY_CONNECTED of int16. */
static inline int32_t tz_scale_precise(int64_t value, int32_t high, int32_t low, int shift)
{
    const int total = 31 - shift;
    const int64_t product = value * high + ((value * low) >> 31);
    return (int32_t)((product + ((int64_t)1 << (total - 1)) - (value < 0)) >> total);
}

/* The same for values of 32 bits and factors below 1/4, shift <= -2: 33 bits or more are shifted out, and the half that
 * is added is a multiple of 2^32, so that the lower word of the product changes nothing. */
static inline int32_t tz_scale_precise_short(int32_t value, int32_t high, int32_t low, int shift)
{
    const int64_t product = (int64_t)value * high + (((int64_t)value * low) >> 31) - (value < 0);
    return ((int32_t)(product >> 32) + (INT32_C(1) << (-shift - 2))) >> (-shift - 1);
}

/* (a * b) / 2^31, rounded half up: gemmlowp's SaturatingRoundingDoublingHighMul without its one saturating case
 * (both -2^31), which multipliers cannot reach. */
#if !defined(TZ_HAS_HIGH_MULTIPLY)
static inline int32_t tz_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}
#endif

/* (a * b + 2^31) >> 32: the upper word of a product, rounded. */
#if !defined(TZ_HAS_UPPER_PRODUCT)
static inline int32_t tz_upper_product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + INT64_C(0x80000000)) >> 32);
}
#endif

/* tz_high_multiply for |a| < 2^30: doubling a moves the result into the upper word. */
#if !defined(TZ_HAS_HIGH_MULTIPLY_SMALL)
static inline int32_t tz_high_multiply_small(int32_t a, int32_t b)
{
    return tz_upper_product(a * 2, b);
}
#endif

/* value / 2^exponent, rounded half away from zero; exponent in [0, 31], |value| < 2^31, and not 2^31 - 1 with exponent
 * 1: tz_high_multiply reaches no more than 2^31 - 2, because a multiplier is at most 2^31 - 1. Taking 1 off negative
 * values turns "half away from zero" into "half up", which is floor((floor(v / 2^(e-1)) + 1) / 2): no step of that can
 * overflow. */
static inline int32_t tz_divide_by_power(int32_t value, int exponent)
{
    if (exponent == 0) {
        return value;
    }
    return (((value + (value >> 31)) >> (exponent - 1)) + 1) >> 1;
}

/* Double rounding: first to 31 bits, then to the result. value * 2^max(shift, 0) must fit 32 bits.
 * MUL, ADD, SUB, BATCH_MATMUL of int8, MEAN, QUANTIZE and most others. A multiplier below 2^30 is allowed (MEAN). */
static inline int32_t tz_scale_double(int32_t value, int32_t multiplier, int shift)
{
    const int left = shift > 0 ? shift : 0;
    const int32_t raised = (int32_t)((uint32_t)value << left);
    return tz_divide_by_power(tz_high_multiply(raised, multiplier), left - shift);
}

/* A factor below 1/2 (or 1/2, for even values) and a zero point, prepared for loops: tz_scale_double(value) + zero
 * point with no branch left.
 *
 * left:   max(shift, 0) + 1, the doubling of tz_high_multiply_small included; |value| * 2^left < 2^31
 * right:  max(shift, 0) - shift - 1 >= 0: one less than the rounding shift, see tz_divide_by_power
 * offset: 2 * zero point + 1 */
typedef struct {
    int32_t multiplier, left, right, offset;
} tz_hoisted_t;

static inline int32_t tz_scale_twice_hoisted(int32_t value, tz_hoisted_t scale)
{
    const int32_t raised = (int32_t)((uint32_t)value << scale.left);
    const int32_t product = tz_upper_product(raised, scale.multiplier);
    return ((product + (product >> 31)) >> scale.right) + scale.offset;
}

static inline int32_t tz_scale_hoisted(int32_t value, tz_hoisted_t scale)
{
    return tz_scale_twice_hoisted(value, scale) >> 1;
}

/* The same, clamped to int8. */
static inline int32_t tz_scale_hoisted_s8(int32_t value, tz_hoisted_t scale)
{
    return tz_clamp_shifted(tz_scale_twice_hoisted(value, scale), 1, INT8_MIN, INT8_MAX);
}

/* Wide sums (|value| < 2^47) with 16 bits of the multiplier. BATCH_MATMUL of int16.
 * `multiplier` is already reduced: (multiplier + 2^15) >> 16, at most 32767. */
static inline int32_t tz_scale_wide(int64_t value, int32_t multiplier, int shift)
{
    const int total = 15 - shift;
    return (int32_t)((value * multiplier + ((int64_t)1 << (total - 1))) >> total);
}

/* A factor for tz_scale_wide, which scales the sum of an int16 product to int16. */
typedef struct {
    int32_t multiplier, shift;
} tz_wide_scale_t;

static inline int16_t tz_scaled_s16(int64_t sum, tz_wide_scale_t scale)
{
    return (int16_t)tz_clamp(tz_scale_wide(sum, scale.multiplier, (int)scale.shift), INT16_MIN, INT16_MAX);
}

/* LiteRT's table look-up of int16 with interpolation; table: (513). */
static inline int32_t tz_interpolate(const int16_t *table, int32_t value)
{
    const int16_t *entry = table + 256 + (value >> 7);
    const int32_t slope = (int16_t)((int32_t)entry[1] - entry[0]);
    return (int16_t)(entry[0] + ((slope * (value & 127) + 64) >> 7));
}

#endif
