/* 1 / (1 + x) in fixed point, as gemmlowp computes it; shared by the softmaxes and DIV. */
#ifndef TEXTZOO_RECIPROCAL_H
#define TEXTZOO_RECIPROCAL_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

static inline int32_t tz_saturating_shift_left(int32_t value, int bits)
{
    const int64_t shifted = (int64_t)value * ((int64_t)1 << bits);
    return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* 1 / (1 + fraction), both with 31 fraction bits; fraction >= 0. Newton's iteration for 1/d, d = (1 + fraction) / 2,
 * from gemmlowp's straight line 48/17 - 32/17 d. */
static inline int32_t tz_one_over_one_plus(int32_t fraction)
{
    const int32_t d = (int32_t)(((uint32_t)fraction + 0x80000000u) >> 1);
    int32_t x = 1515870810 + tz_high_multiply(d, -1010580540);
    for (int i = 0; i < 3; ++i) {
        const int32_t residual = (INT32_C(1) << 29) - tz_high_multiply(d, x);
        x += tz_saturating_shift_left(tz_high_multiply(x, residual), 2);
    }
    return tz_saturating_shift_left(x, 1);
}

#endif
