/* Shared by the kernels of softmax.h and of attention: reciprocals and probabilities. */
#ifndef TEXTZOO_SOFTMAX_PARTS_H
#define TEXTZOO_SOFTMAX_PARTS_H

#include "textzoo/fixedpoint.h"
#include "textzoo/reciprocal.h"
#include "textzoo/softmax.h"

/* Fraction bits of an int8 softmax's exponentials that its sum does not have. */
enum { TZ_DROPPED_BITS = 12 };

/* The reciprocal of a sum of exponentials (12 integer bits, 19 fraction bits, > 0), as multiplier and right shift. */
typedef struct {
    int32_t multiplier; /* 1 / (1 + fraction), 31 fraction bits */
    int32_t exponent;   /* from the product with an exponential (31 fraction bits) to steps of 1/256 */
} tz_reciprocal_t;

static inline tz_reciprocal_t tz_reciprocal(int32_t sum)
{
    const int headroom = tz_leading_zeros_32((uint32_t)sum);
    const int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - 0x80000000u);
    return (tz_reciprocal_t){tz_one_over_one_plus(fraction), 12 - headroom + 31 - 8};
}

/* An exponential over the sum: [0, 255], the int8 output without its zero point. */
static inline int32_t tz_probability(int32_t exponential, tz_reciprocal_t reciprocal)
{
    const int32_t product = tz_high_multiply(reciprocal.multiplier, exponential);
    return tz_clamp(tz_divide_by_power(product, reciprocal.exponent), 0, 255);
}

/* The reciprocal of a sum of int16 exponentials (> 0), for tz_probability_s16. */
static inline tz_reciprocal_t tz_reciprocal_s16(const int16_t *reciprocals, int32_t sum)
{
    const int headroom = tz_leading_zeros_32((uint32_t)sum);
    const int32_t fraction = (int32_t)((((int64_t)sum << (headroom - 1)) + (1 << 13)) >> 14);
    const int32_t argument = tz_clamp(fraction - 3 * 32768, INT16_MIN, INT16_MAX);
    return (tz_reciprocal_t){tz_interpolate(reciprocals, argument), 31 - headroom};
}

static inline int32_t tz_probability_s16(int32_t exponential, tz_reciprocal_t reciprocal)
{
    const int32_t product = exponential * reciprocal.multiplier;
    return tz_clamp((product + (INT32_C(1) << (reciprocal.exponent - 1))) >> reciprocal.exponent, 0, INT16_MAX);
}

/* Distances are above -2^16 and shifts at most 14: tz_scale_double with the shorter multiplication. */
static inline int32_t tz_exponential_s16(const tz_softmax_s16_t *softmax, int32_t distance)
{
    const int32_t left = softmax->shift > 0 ? softmax->shift : 0;
    const int32_t product = tz_high_multiply_small(distance * (INT32_C(1) << left), softmax->multiplier);
    const int32_t scaled = tz_divide_by_power(product, (int)(left - softmax->shift)) + INT16_MAX;
    return tz_interpolate(softmax->exponentials, tz_clamp(scaled, INT16_MIN, INT16_MAX));
}

#endif
