/* Quotients of plain integers, and of quantized values as LiteRT's DIV has them. LiteRT refuses to divide by zero; here
 * such a quotient, or remainder, is 0. */
#ifndef TEXTZOO_DIVISION_H
#define TEXTZOO_DIVISION_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"
#include "textzoo/reciprocal.h"

/* Truncated towards zero. The smallest integer divided by -1 is the largest. */
static inline int32_t tz_integer_divide(int32_t a, int32_t b)
{
    if (b == 0) {
        return 0;
    }
    return a == INT32_MIN && b == -1 ? INT32_MAX : a / b;
}

/* The remainder with the sign of b. It is 0 for the smallest integer and -1, with which LiteRT crashes. */
static inline int32_t tz_floor_modulo(int32_t a, int32_t b)
{
    if (b == 0 || b == -1) {
        return 0;
    }
    const int32_t remainder = a % b;
    return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

/* Rounded down. The smallest integer divided by -1 is itself. */
static inline int32_t tz_floor_divide(int32_t a, int32_t b)
{
    if (b == 0 || b == -1) {
        return b == 0 ? 0 : (int32_t)(0u - (uint32_t)a);
    }
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* How far a value can be shifted to the left before its sign bit changes. */
static inline int tz_headroom(int32_t value)
{
    const uint32_t bits = (uint32_t)(value < 0 ? ~value : value);
    return bits == 0 ? 31 : tz_leading_zeros_32(bits) - 1;
}

/* dividend / divisor * multiplier / 2^31 * 2^shift, divisor != 0, both of at most 17 bits. The dividend is
 * shifted left as far as possible and multiplied with the reciprocal of the divisor, which is scaled to [1, 2); the
 * result is shifted back together with the factor's shift. The compiler makes sure that this shift stays within [0, 31]
 * for all possible values: LiteRT does not, and its result is undefined where the shift does not.
 *
 * The products fit tz_high_multiply: neither the reciprocal nor the multiplier is -2^31. Its result is above -2^31,
 * so that it fits tz_divide_by_power, and below 2^31 - 1, as the reciprocal is at most 2^31 - 1. */
static inline int32_t tz_quotient(int32_t dividend, int32_t divisor, int32_t multiplier, int shift)
{
    const int32_t positive = divisor < 0 ? -divisor : divisor;
    const int32_t signed_dividend = divisor < 0 ? -dividend : dividend;
    const int clear = tz_leading_zeros_32((uint32_t)positive);
    const int headroom = tz_headroom(signed_dividend);
    const int32_t fraction = (int32_t)(((uint32_t)positive << clear) - 0x80000000u);
    const int32_t raised = (int32_t)((uint32_t)signed_dividend << headroom);
    const int32_t unscaled = tz_high_multiply(raised, tz_one_over_one_plus(fraction));
    return tz_divide_by_power(tz_high_multiply(unscaled, multiplier), 31 - clear + headroom - shift);
}

#endif
