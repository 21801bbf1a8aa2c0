/* SQRT of int16, which LiteRT computes in float32: the same roundings in integers. */
#ifndef TEXTZOO_SQUARE_ROOT_H
#define TEXTZOO_SQUARE_ROOT_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

/* A scale as mantissa * 2^exponent; mantissa in [2^23, 2^24). */
typedef struct {
    int32_t mantissa, exponent;
} tz_real_t;

typedef struct {
    tz_real_t input, output;
} tz_square_root_t;

/* value / 2^bits, rounded to nearest, halves to even; bits in [0, 31]. */
static inline uint32_t tz_round_to_even(uint64_t value, int bits)
{
    const uint32_t remainder = (uint32_t)value & ((1u << bits) - 1);
    const uint32_t whole = (uint32_t)(value >> bits);
    const uint32_t doubled = remainder << 1, unit = 1u << bits;
    return whole + (doubled > unit || (doubled == unit && (whole & 1)));
}

/* dividend / divisor, rounded in the same way; both > 0, the quotient below 2^31. */
static inline uint32_t tz_quotient_to_even(uint64_t dividend, uint32_t divisor)
{
    const uint32_t whole = (uint32_t)(dividend / divisor);
    const uint32_t doubled = (uint32_t)(dividend % divisor) << 1;
    return whole + (doubled > divisor || (doubled == divisor && (whole & 1)));
}

/* The square root of a value below 2^49, rounded to nearest: never halfway, as (n + 1/2)^2 is no integer. */
static inline uint32_t tz_integer_root(uint64_t value)
{
    uint64_t root = 0, remainder = value;
    for (int bit = 24; bit >= 0; --bit) {
        const uint64_t step = ((root << 1) + ((uint64_t)1 << bit)) << bit;
        if (step <= remainder) {
            remainder -= step;
            root += (uint64_t)1 << bit;
        }
    }
    return (uint32_t)(root + (remainder > root));
}

/* Bits of a value > 0. */
static inline int tz_bits(uint64_t value)
{
    const uint32_t upper = (uint32_t)(value >> 32);
    return upper ? 64 - tz_leading_zeros_32(upper) : 32 - tz_leading_zeros_32((uint32_t)value);
}

/* trunc(sqrt(value * input scale) / output scale), at most 32767; 0 for values below 0, which LiteRT refuses.
 *
 * Each step gives the mantissa of the float32 that LiteRT gets, 24 bits, and its exponent:
 * - the product, value * mantissa < 2^39, rounded. The exponent must be even before the root is taken: where it is not,
 *   the mantissa is doubled, and is then in [2^23, 2^25].
 * - the root of mantissa * 2^23, in [2^46, 2^48]: in [2^23, 2^24].
 * - the quotient, doubled where it is below 1.
 * The compiler refuses scales with which float32 would leave its normal numbers, or the result 31 bits. */
static inline int32_t tz_square_root(const tz_square_root_t *p, int32_t value)
{
    if (value <= 0) {
        return 0;
    }
    const uint64_t product = (uint64_t)((int64_t)value * p->input.mantissa);
    const int dropped = tz_bits(product) - 24;
    const int exponent = dropped + (int)p->input.exponent;
    const int is_even = (exponent & 1) == 0;
    const uint64_t mantissa = (uint64_t)tz_round_to_even(product, dropped) << is_even;
    const uint32_t root = tz_integer_root(mantissa << 23);
    const int is_below = root < (uint32_t)p->output.mantissa;
    const uint32_t quotient = tz_quotient_to_even((uint64_t)root << (23 + is_below), (uint32_t)p->output.mantissa);
    const int shift = (exponent - is_even - 23) / 2 - (int)p->output.exponent - 23 - is_below;
    const uint32_t whole = shift >= 0 ? quotient << shift : shift > -32 ? quotient >> -shift : 0;
    return whole > INT16_MAX ? INT16_MAX : (int32_t)whole;
}

#endif
