/* Operators that work element by element: inline, so that the generated loops fuse them and fold their constants.
 * Inputs are int32 (zero points not yet subtracted), results are int32 within the range of the output; int64 and
 * float32 keep their type. */
#ifndef TEXTZOO_ELEMENTWISE_H
#define TEXTZOO_ELEMENTWISE_H

#include <stdint.h>

#include "textzoo/division.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/square_root.h"

/* ADD, SUB and MUL of plain integers wrap around, as LiteRT's do on every machine. */
static inline int32_t tz_integer_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t tz_integer_subtract(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static inline int32_t tz_integer_multiply(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

static inline int32_t tz_integer_add_s16(int32_t a, int32_t b)
{
    return (int16_t)(a + b);
}

static inline int32_t tz_integer_multiply_s16(int32_t a, int32_t b)
{
    return (int16_t)(a * b);
}

static inline int64_t tz_integer_add_long(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t tz_integer_subtract_long(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t tz_integer_multiply_long(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static inline int32_t tz_integer_squared_difference(int32_t a, int32_t b)
{
    const int32_t difference = tz_integer_subtract(a, b);
    return tz_integer_multiply(difference, difference);
}

/* A bias with the input's zero point folded in, as kernels of FULLY_CONNECTED take it; row_sum: of the row's weights.
 * The result is one of the sums that occur, hence fits 32 bits; intermediate values wrap around. */
static inline int32_t tz_shifted_bias(int32_t bias, int32_t zero_point, int32_t row_sum)
{
    return tz_integer_subtract(bias, tz_integer_multiply(zero_point, row_sum));
}

/* Scaling of an operand to the common scale, or of the sum to the output's. */
typedef struct {
    int32_t zero_point;
    int32_t multiplier; /* [2^30, 2^31) or 0 */
    int32_t shift;      /* [-31, 30]; ADD and SUB: <= 0 */
} tz_scale_t;

typedef struct {
    int32_t minimum;
    int32_t maximum;
} tz_range_t;

/* The bounds of a clamp in a loop are hidden from GCC where it may make vectors. If it knows them, it knows that the
 * clamp reads a value of, say, 9 bits. Then it computes what leads there in elements of 16 bits of which only the
 * lowest 9 are right (a sum before a shift to the right may have needed 17), and clamps all 16: MUL of int8 gave -128
 * instead of 127 (GCC 12, -O2 and -O3, for SSE4.1, AVX2, AVX-512 and 64-bit Arm). If it knows no more than that they
 * are int16, the clamp reads 16 bits, hence all 16 are right, and what is shifted to them by n bits keeps 16 + n. Where
 * they do not fit, all 32 are. Bounds that are those of int16 may be known; where there is Arm's SSAT, which is no part
 * of a vector, those of int8 too.
 *
 *     TZ_CLAMPED tz_multiply_t step = {...};
 *     TZ_HIDE_RANGE(step.range); */
#if defined(TZ_GCC_VECTORS)
#define TZ_CLAMPED
#define TZ_HIDE_RANGE(range) tz_hide_range(&(range))

static inline void tz_hide_range(tz_range_t *range)
{
    if (range->minimum == INT16_MIN && range->maximum == INT16_MAX) {
        return;
    }
#if defined(__ARM_FEATURE_SAT)
    if (range->minimum == INT8_MIN && range->maximum == INT8_MAX) {
        return;
    }
#endif
    if (range->minimum >= INT16_MIN && range->maximum <= INT16_MAX) {
        int16_t minimum = (int16_t)range->minimum, maximum = (int16_t)range->maximum;
        __asm__("" : "+r"(minimum), "+r"(maximum));
        *range = (tz_range_t){minimum, maximum};
    } else {
        __asm__("" : "+r"(range->minimum), "+r"(range->maximum));
    }
}
#else
#define TZ_CLAMPED static const
#define TZ_HIDE_RANGE(range) ((void)0)
#endif

/* Factors far above 1 wrap around in 32 bits, before and after the zero point is added, as they do in LiteRT. */
static inline int32_t tz_finish(int32_t value, const tz_scale_t *scale, const tz_range_t *range)
{
    const int32_t scaled = tz_scale_double(value, scale->multiplier, (int)scale->shift);
    return tz_clamp(tz_integer_add(scaled, scale->zero_point), range->minimum, range->maximum);
}

/* tz_high_multiply_small(value * 2^left, multiplier). Of a half, which many factors of 1 or 1/2 have as multiplier, there
 * is nothing to round where left > 0: (2 v 2^left 2^30 + 2^31) >> 32 = v 2^(left - 1). Where it is not known when
 * compiling, asking costs more than it saves. */
static inline int32_t tz_raised_product(int32_t value, int left, int32_t multiplier)
{
    if (__builtin_constant_p(multiplier) && multiplier == INT32_C(1) << 30 && left > 0) {
        return value * (INT32_C(1) << (left - 1));
    }
    return tz_high_multiply_small(value * (INT32_C(1) << left), multiplier);
}

/* The same for values that stay below 2^30 when shifted to the left by scale->shift. */
static inline int32_t tz_finish_small(int32_t value, const tz_scale_t *scale, const tz_range_t *range)
{
    const int left = scale->shift > 0 ? (int)scale->shift : 0;
    const int32_t product = tz_raised_product(value, left, scale->multiplier);
    const int32_t scaled = tz_divide_by_power(product, left - (int)scale->shift) + scale->zero_point;
    return tz_clamp(scaled, range->minimum, range->maximum);
}

/* ADD and SUB. left_shift: fraction bits of the common scale, 20 for int8 and 15 for int16. */
typedef struct {
    tz_scale_t a, b, output;
    tz_range_t range;
    int32_t left_shift;
} tz_add_t;

/* Fits tz_high_multiply_small: an int8 difference to its zero point is at most 255, times 2^20; an int16 value has zero
 * point 0 and lies in [-2^15, 2^15), times 2^15. The multipliers are at most 1/2, so a sum is no larger. */
static inline int32_t tz_to_common_scale(int32_t value, const tz_scale_t *scale, int32_t left_shift)
{
    const int32_t product = tz_raised_product(value - scale->zero_point, (int)left_shift, scale->multiplier);
    return tz_divide_by_power(product, (int)-scale->shift);
}

static inline int32_t tz_finish_sum(const tz_add_t *p, int32_t sum)
{
    const int32_t product = tz_high_multiply_small(sum, p->output.multiplier);
    const int32_t scaled = tz_divide_by_power(product, (int)-p->output.shift) + p->output.zero_point;
    return tz_clamp(scaled, p->range.minimum, p->range.maximum);
}

static inline int32_t tz_add(const tz_add_t *p, int32_t a, int32_t b)
{
    return tz_finish_sum(p, tz_to_common_scale(a, &p->a, p->left_shift) + tz_to_common_scale(b, &p->b, p->left_shift));
}

static inline int32_t tz_subtract(const tz_add_t *p, int32_t a, int32_t b)
{
    return tz_finish_sum(p, tz_to_common_scale(a, &p->a, p->left_shift) - tz_to_common_scale(b, &p->b, p->left_shift));
}

/* ADD and SUB of int8 where the compiler has found integers that give the same for every pair of operands
 * (numerics/linear_sums.py), in 32 bits and without the roundings between. SUB has a negative factor of b. */
typedef struct {
    int32_t a_factor, b_factor, offset; /* of steps of 2^-shift; they include zero points and the half for rounding */
    int32_t shift;                      /* [16, 22] */
    tz_range_t range;
} tz_linear_sum_t;

static inline int32_t tz_linear_sum(const tz_linear_sum_t *p, int32_t a, int32_t b)
{
    const int32_t sum = p->offset + a * p->a_factor + b * p->b_factor; /* in this order two MLA */
    return tz_clamp_shifted(sum, (int)p->shift, p->range.minimum, p->range.maximum);
}

/* SQUARED_DIFFERENCE of int8, left_shift 7: both operands are at most 255 * 2^7 / 2, and the square of their difference
 * stays below 2^30. */
static inline int32_t tz_squared_difference(const tz_add_t *p, int32_t a, int32_t b)
{
    const int32_t d = tz_to_common_scale(a, &p->a, p->left_shift) - tz_to_common_scale(b, &p->b, p->left_shift);
    return tz_finish_sum(p, d * d);
}

/* ADD and SUB of int16 where every scale is a power of two: only the bits that are shifted out are rounded. */
typedef struct {
    int32_t a_shift, b_shift; /* [0, 15], to the right */
    tz_range_t range;
} tz_add_powers_t;

static inline int32_t tz_add_powers(const tz_add_powers_t *p, int32_t a, int32_t b)
{
    const int32_t sum = tz_divide_by_power(a, (int)p->a_shift) + tz_divide_by_power(b, (int)p->b_shift);
    return tz_clamp(sum, p->range.minimum, p->range.maximum);
}

static inline int32_t tz_subtract_powers(const tz_add_powers_t *p, int32_t a, int32_t b)
{
    const int32_t difference = tz_divide_by_power(a, (int)p->a_shift) - tz_divide_by_power(b, (int)p->b_shift);
    return tz_clamp(difference, p->range.minimum, p->range.maximum);
}

/* MUL. */
typedef struct {
    int32_t a_zero_point, b_zero_point;
    tz_scale_t output;
    tz_range_t range;
} tz_multiply_t;

static inline int32_t tz_multiply(const tz_multiply_t *p, int32_t a, int32_t b)
{
    return tz_finish((a - p->a_zero_point) * (b - p->b_zero_point), &p->output, &p->range);
}

/* The compiler uses it where the products are small enough. */
static inline int32_t tz_multiply_small(const tz_multiply_t *p, int32_t a, int32_t b)
{
    return tz_finish_small((a - p->a_zero_point) * (b - p->b_zero_point), &p->output, &p->range);
}

/* QUANTIZE between integers; RELU and its variants with different scales of input and output. Distances of int32 from
 * the zero point wrap around. */
typedef struct {
    int32_t zero_point;
    tz_scale_t output;
    tz_range_t range;
} tz_requantize_t;

static inline int32_t tz_requantize(const tz_requantize_t *p, int32_t value)
{
    return tz_finish(tz_integer_subtract(value, p->zero_point), &p->output, &p->range);
}

static inline int32_t tz_requantize_small(const tz_requantize_t *p, int32_t value)
{
    return tz_finish_small(value - p->zero_point, &p->output, &p->range);
}

/* Any function of one int8 value. table: (256) int8, for -128 to 127. */
typedef struct {
    const int8_t *table;
} tz_look_up_s8_t;

static inline int32_t tz_look_up_s8(const tz_look_up_s8_t *p, int32_t value)
{
    return p->table[value + 128];
}

/* A function of one int16 value, interpolated. table: (513) int16. */
typedef struct {
    const int16_t *table;
} tz_look_up_s16_t;

static inline int32_t tz_look_up_s16(const tz_look_up_s16_t *p, int32_t value)
{
    return tz_interpolate(p->table, value);
}

/* LOGISTIC and TANH of int16: one table of 2^16 / (1 + exp(-i / 24)), interpolated. */
typedef struct {
    const int16_t *table; /* (256) what is above 2^15 */
    int32_t multiplier;   /* from the input to steps of 1 / 12288, */
    int32_t shift;        /* then divided by 2^shift; [0, 31] */
} tz_sigmoid_s16_t;

/* Wraps around where the input's scale is above 5.3, as in LiteRT. */
static inline int32_t tz_sigmoid_argument(const tz_sigmoid_s16_t *p, int32_t value)
{
    const int32_t half = p->shift > 0 ? INT32_C(1) << (p->shift - 1) : 0;
    return tz_integer_add(tz_integer_multiply(value, p->multiplier), half) >> p->shift;
}

/* The curve at |argument|, `bits` bits of which are between two entries, times 2^bits; `limit` beyond the table. */
static inline int32_t tz_sigmoid_curve(const int16_t *table, int32_t argument, int bits, int32_t limit)
{
    const uint32_t distance = argument < 0 ? 0u - (uint32_t)argument : (uint32_t)argument;
    if (distance >> bits >= 255) {
        return limit;
    }
    const int16_t *entry = table + (distance >> bits);
    const int32_t part = (int32_t)(distance & ((1u << bits) - 1));
    return (32768 + entry[0]) * (1 << bits) + part * (entry[1] - entry[0]);
}

static inline int32_t tz_logistic_s16(const tz_sigmoid_s16_t *p, int32_t value)
{
    const int32_t argument = tz_sigmoid_argument(p, value);
    const int32_t curve = tz_sigmoid_curve(p->table, argument, 9, INT32_C(0x7FFF) << 10);
    return (argument >= 0 ? curve + 512 : (INT32_C(1) << 25) - curve + 511) >> 10;
}

/* tanh(x) = 2 sigmoid(2 x) - 1: half as many bits of the argument between two entries. */
static inline int32_t tz_tanh_s16(const tz_sigmoid_s16_t *p, int32_t value)
{
    const int32_t argument = tz_sigmoid_argument(p, value);
    const int32_t curve = tz_sigmoid_curve(p->table, argument, 8, INT32_C(0xFFFF) << 8) - (INT32_C(1) << 23);
    return (argument >= 0 ? curve + 128 : 127 - curve) >> 8;
}

/* DEQUANTIZE. */
typedef struct {
    int32_t zero_point;
    float scale;
} tz_dequantize_t;

/* LiteRT multiplies in double precision and rounds to float. This gives the same: the product of 24 and 17 bits is
 * exact in a double, and the product in float is that number, rounded once. */
static inline float tz_dequantize(const tz_dequantize_t *p, int32_t value)
{
    return (float)(value - p->zero_point) * p->scale;
}

/* CAST: the low bits. */
static inline int32_t tz_cast_s8(int64_t value)
{
    return (int8_t)value;
}

static inline int32_t tz_cast_s16(int64_t value)
{
    return (int16_t)value;
}

static inline int32_t tz_cast_s32(int64_t value)
{
    return (int32_t)value;
}

static inline int32_t tz_cast_bool(int64_t value)
{
    return value != 0;
}

static inline float tz_cast_float(int32_t value)
{
    return (float)value;
}

static inline float tz_cast_float_long(int64_t value)
{
    return (float)value;
}

/* CAST from float32: towards zero; the type's largest integer for larger values, and for NaN. */
static inline int32_t tz_cast_real(const tz_range_t *range, float value)
{
    if (!(value < (float)range->maximum)) {
        return range->maximum;
    }
    return value < (float)range->minimum ? range->minimum : (int32_t)value;
}

static inline int64_t tz_cast_real_s64(float value)
{
    if (!(value < 9223372036854775808.0f)) {
        return INT64_MAX;
    }
    return value < -9223372036854775808.0f ? INT64_MIN : (int64_t)value;
}

static inline int32_t tz_cast_real_bool(float value)
{
    return value != 0.0f;
}

/* An index of 64 bits: one that does not fit 32 bits is still outside of every table. */
static inline int32_t tz_saturate_s32(int64_t value)
{
    if (value < INT32_MIN) {
        return INT32_MIN;
    }
    return value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

static inline int32_t tz_select(int32_t condition, int32_t when_true, int32_t when_false)
{
    return condition ? when_true : when_false;
}

/* Comparisons of plain integers. */
static inline int32_t tz_equal(int32_t a, int32_t b)
{
    return a == b;
}

static inline int32_t tz_not_equal(int32_t a, int32_t b)
{
    return a != b;
}

static inline int32_t tz_less(int32_t a, int32_t b)
{
    return a < b;
}

static inline int32_t tz_less_equal(int32_t a, int32_t b)
{
    return a <= b;
}

static inline int32_t tz_greater(int32_t a, int32_t b)
{
    return a > b;
}

static inline int32_t tz_greater_equal(int32_t a, int32_t b)
{
    return a >= b;
}

static inline int32_t tz_equal_long(int64_t a, int64_t b)
{
    return a == b;
}

static inline int32_t tz_not_equal_long(int64_t a, int64_t b)
{
    return a != b;
}

static inline int32_t tz_less_long(int64_t a, int64_t b)
{
    return a < b;
}

static inline int32_t tz_less_equal_long(int64_t a, int64_t b)
{
    return a <= b;
}

static inline int32_t tz_greater_long(int64_t a, int64_t b)
{
    return a > b;
}

static inline int32_t tz_greater_equal_long(int64_t a, int64_t b)
{
    return a >= b;
}

/* Comparisons of quantized values: each is scaled to steps of 2^-8, where different values may become equal. */
typedef struct {
    tz_scale_t a, b; /* shift <= 0 */
} tz_compare_t;

static inline int32_t tz_scaled_difference(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_to_common_scale(a, &p->a, 8) - tz_to_common_scale(b, &p->b, 8);
}

static inline int32_t tz_scaled_equal(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_scaled_difference(p, a, b) == 0;
}

static inline int32_t tz_scaled_not_equal(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_scaled_difference(p, a, b) != 0;
}

static inline int32_t tz_scaled_less(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_scaled_difference(p, a, b) < 0;
}

static inline int32_t tz_scaled_less_equal(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_scaled_difference(p, a, b) <= 0;
}

static inline int32_t tz_scaled_greater(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_scaled_difference(p, a, b) > 0;
}

static inline int32_t tz_scaled_greater_equal(const tz_compare_t *p, int32_t a, int32_t b)
{
    return tz_scaled_difference(p, a, b) >= 0;
}

/* SELECT and SELECT_V2 of int64. */
static inline int64_t tz_select_long(int32_t condition, int64_t when_true, int64_t when_false)
{
    return condition ? when_true : when_false;
}

/* QUANTIZE from float32. */
typedef struct {
    float scale; /* >= 2^-100 */
    int32_t zero_point;
    tz_range_t range;
} tz_quantize_t;

/* The quotient rounded half away from zero, as LiteRT does; without a C library. What lies beyond 2^16 is clamped
 * anyway, and there a float's integer would no longer fit: so does what LiteRT leaves to the machine, beyond 2^31. NaN,
 * for which it does as well, becomes the smallest value. The difference is exact: it has the quotient's lower bits. */
static inline int32_t tz_quantize(const tz_quantize_t *p, float value)
{
    const float quotient = value / p->scale;
    if (!(quotient > -65536.0f)) {
        return p->range.minimum;
    }
    if (quotient > 65536.0f) {
        return p->range.maximum;
    }
    const int32_t whole = (int32_t)quotient;
    const float fraction = quotient - (float)whole;
    const int32_t rounded = whole + (fraction >= 0.5f) - (fraction <= -0.5f);
    return tz_clamp(rounded + p->zero_point, p->range.minimum, p->range.maximum);
}

/* MAXIMUM and MINIMUM compare the integers, regardless of their scales. */
static inline int32_t tz_maximum(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int32_t tz_minimum(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int64_t tz_maximum_long(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t tz_minimum_long(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* NEG of integers as they are, zero points included: the smallest one is its own negative. */
static inline int32_t tz_negate_s8(int32_t value)
{
    return (int8_t)-value;
}

static inline int32_t tz_negate_s16(int32_t value)
{
    return (int16_t)-value;
}

static inline int32_t tz_negate_s32(int32_t value)
{
    return tz_integer_subtract(0, value);
}

static inline int64_t tz_negate_s64(int64_t value)
{
    return (int64_t)(0u - (uint64_t)value);
}

/* ABS of plain integers, and of quantized values on the output's scale. */
static inline int32_t tz_integer_absolute(int32_t value)
{
    return value < 0 ? tz_integer_subtract(0, value) : value;
}

static inline int32_t tz_absolute(const tz_requantize_t *p, int32_t value)
{
    return tz_finish(tz_integer_absolute(value - p->zero_point), &p->output, &p->range);
}

static inline int32_t tz_sign(int32_t value)
{
    return (value > 0) - (value < 0);
}

/* LEAKY_RELU and PRELU: values below zero have another factor. */
typedef struct {
    int32_t zero_point, alpha_zero_point;
    tz_scale_t positive, negative; /* to the output; the zero point of both is the output's */
    tz_range_t range;
} tz_leaky_t;

static inline int32_t tz_leaky_relu(const tz_leaky_t *p, int32_t value)
{
    const int32_t difference = value - p->zero_point;
    return tz_finish(difference, difference < 0 ? &p->negative : &p->positive, &p->range);
}

/* The same for a slope below zero: LiteRT scales by its size and changes the sign afterwards. */
static inline int32_t tz_leaky_relu_negated(const tz_leaky_t *p, int32_t value)
{
    const int32_t difference = value - p->zero_point;
    if (difference >= 0) {
        return tz_finish(difference, &p->positive, &p->range);
    }
    const int32_t scaled = -tz_scale_double(difference, p->negative.multiplier, (int)p->negative.shift);
    return tz_clamp(tz_integer_add(scaled, p->negative.zero_point), p->range.minimum, p->range.maximum);
}

static inline int32_t tz_prelu(const tz_leaky_t *p, int32_t value, int32_t alpha)
{
    const int32_t difference = value - p->zero_point;
    if (difference >= 0) {
        return tz_finish(difference, &p->positive, &p->range);
    }
    return tz_finish(difference * (alpha - p->alpha_zero_point), &p->negative, &p->range);
}

/* DIV of quantized values; the struct is MUL's. See tz_quotient. */
static inline int32_t tz_divide(const tz_multiply_t *p, int32_t a, int32_t b)
{
    const int32_t dividend = a - p->a_zero_point, divisor = b - p->b_zero_point;
    int32_t quotient = 0;
    if (divisor != 0) {
        quotient = tz_quotient(dividend, divisor, p->output.multiplier, (int)p->output.shift);
    }
    return tz_clamp(tz_integer_add(quotient, p->output.zero_point), p->range.minimum, p->range.maximum);
}

/* LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT. */
static inline int32_t tz_and(int32_t a, int32_t b)
{
    return a && b;
}

static inline int32_t tz_or(int32_t a, int32_t b)
{
    return a || b;
}

static inline int32_t tz_not(int32_t value)
{
    return !value;
}

#endif
