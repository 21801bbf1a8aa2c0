/* gemmlowp's logistic and tanh of 16 bits, as LiteRT's LSTM has them. Numbers with n integer bits have 15 - n fraction bits;
 * results have none. Constants are those of gemmlowp with 32 bits, rounded to 16. */
#ifndef TEXTZOO_GATE_FUNCTIONS_H
#define TEXTZOO_GATE_FUNCTIONS_H

#include "textzoo/fixedpoint.h"

/* The rounded upper half of twice a product of int16, not both -2^15: SaturatingRoundingDoublingHighMul. */
static inline int32_t tz_high_multiply_s16(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

static inline int32_t tz_saturate_s16(int32_t value)
{
    return tz_clamp(value, INT16_MIN, INT16_MAX);
}

/* exp of a number in [-2^15, 0] with integer_bits integer bits, [1, 7]. */
static inline int32_t tz_exp_s16(int32_t a, int integer_bits)
{
    /* Of exp(-1/4), exp(-1/2), ..., exp(-8); exp(-16) rounds to 0. */
    static const int16_t factors[] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int fraction_bits = 15 - integer_bits;
    const int32_t quarter = 1 << (fraction_bits - 2);
    const int32_t modulo = (a & (quarter - 1)) - quarter;
    /* Around -1/8. */
    const int32_t x = modulo * (1 << integer_bits) + (1 << 12), x2 = tz_high_multiply_s16(x, x);
    const int32_t x3 = tz_high_multiply_s16(x2, x), x4 = tz_high_multiply_s16(x2, x2);
    const int32_t series = tz_high_multiply_s16(tz_divide_by_power(x4, 2) + x3, 10923) + x2;
    int32_t result = 28918 + tz_high_multiply_s16(28918, x + tz_divide_by_power(series, 1));
    if (a == 0) {
        return INT16_MAX;
    }
    if (integer_bits > 5 && a < -(1 << (20 - integer_bits))) {
        return 0;
    }
    int32_t remainder = (modulo - a) >> (fraction_bits - 2);
    for (const int16_t *factor = factors; remainder; remainder >>= 1, ++factor) {
        if (remainder & 1) {
            result = tz_high_multiply_s16(result, *factor);
        }
    }
    return result;
}

/* 2 / (1 + a) for a in [0, 1) without integer bits, with two of them; by Newton's iterations. */
static inline int32_t tz_two_over_one_plus_s16(int32_t a)
{
    const int32_t half_denominator = (a + 32768) >> 1;
    int32_t x = 23130 + tz_high_multiply_s16(half_denominator, -15420);
    for (int i = 0; i < 3; ++i) {
        const int32_t error = (1 << 13) - tz_high_multiply_s16(half_denominator, x);
        x += tz_saturate_s16(tz_high_multiply_s16(x, error) * 4);
    }
    return x;
}

/* a: with 3 integer bits. */
static inline int32_t tz_logistic_s16(int32_t a)
{
    if (a == 0) {
        return 1 << 14;
    }
    const int32_t positive = tz_saturate_s16(tz_two_over_one_plus_s16(tz_exp_s16(a > 0 ? -a : a, 3)) * 2);
    return a > 0 ? positive : INT16_MAX - positive;
}

/* a: with integer_bits integer bits, [0, 6]. */
static inline int32_t tz_tanh_s16(int32_t a, int integer_bits)
{
    if (a == 0) {
        return 0;
    }
    const int32_t quotient = tz_two_over_one_plus_s16(tz_exp_s16(a > 0 ? -a : a, integer_bits + 1)) - (1 << 13);
    const int32_t positive = tz_saturate_s16(quotient * 4);
    return a > 0 ? positive : -positive;
}

#endif
