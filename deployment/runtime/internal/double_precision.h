/* LiteRT's double-precision scaling, computed with integers: for factors that no multiplier of fixedpoint.h can
 * represent. It takes two to three times as long as those. */
#ifndef TEXTZOO_DOUBLE_PRECISION_H
#define TEXTZOO_DOUBLE_PRECISION_H

#include <stdint.h>

/* A number above 0 in double precision is mantissa * 2^exponent, mantissa in [2^52, 2^53); 0 has the mantissa 0. */
enum { TZ_DOUBLE_BITS = 53 };

/* Zeros before the first bit that is set; value > 0. */
static inline int tz_leading_zeros(uint64_t value)
{
    const uint32_t upper = (uint32_t)(value >> 32);
    return upper ? __builtin_clz(upper) : 32 + __builtin_clz((uint32_t)value);
}

/* size * mantissa rounded to double precision, halves to even: times 2^*dropped. size in [1, 2^43), so that the product
 * has at least 53 bits and at most 96: `upper` and 32 more. */
static inline uint64_t tz_double_product(uint64_t size, uint64_t mantissa, int *dropped)
{
    const uint64_t size_low = size & 0xFFFFFFFFu, low = mantissa & 0xFFFFFFFFu;
    const uint64_t lowest = size_low * low;
    const uint64_t upper = (mantissa >> 32) * size + low * (size >> 32) + (lowest >> 32);
    const uint32_t lower = (uint32_t)lowest;
    /* The first 64 bits from the leading one on, and whether any other is set. */
    const int zeros = tz_leading_zeros(upper);
    const uint64_t behind = ((uint64_t)lower << zeros) >> 32;
    const uint64_t first = (upper << zeros) | (zeros < 32 ? behind : (uint64_t)lower << (zeros - 32));
    const uint32_t others = zeros < 32 ? lower << zeros : 0;
    const uint64_t kept = first >> 11;
    const uint32_t tail = (uint32_t)first & 0x7FFu;
    *dropped = 96 - TZ_DOUBLE_BITS - zeros;
    return kept + (tail > 0x400u || (tail == 0x400u && (others != 0 || (kept & 1u))));
}

/* (int32_t)round((double)value * factor), halves away from zero; |value| < 2^43, |result| < 2^31. */
static inline int32_t tz_scale_as_double(int64_t value, int64_t mantissa, int exponent)
{
    int dropped;
    if (value == 0 || mantissa == 0) {
        return 0;
    }
    const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    const uint64_t product = tz_double_product(size, (uint64_t)mantissa, &dropped);
    const int fraction_bits = -exponent - dropped;
    if (fraction_bits > TZ_DOUBLE_BITS + 1) {
        return 0;
    }
    const int32_t rounded = (int32_t)((product + ((uint64_t)1 << (fraction_bits - 1))) >> fraction_bits);
    return value < 0 ? -rounded : rounded;
}

#endif
