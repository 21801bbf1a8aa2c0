/* Operators that work element by element: inline, so that the generated loops fuse them and fold their constants.
 * Values come as int32 (zero points not yet taken off) and leave as int32 within the range of the output. */
#ifndef TEXTZOO_ELEMENTWISE_H
#define TEXTZOO_ELEMENTWISE_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

/* One operand's way to the common scale, or the sum's way to the output. */
typedef struct {
    int32_t zero_point;
    int32_t multiplier; /* [2^30, 2^31) or 0 */
    int32_t shift;      /* [-31, 30]; ADD and SUB: <= 0 */
} tz_scale_t;

typedef struct {
    int32_t minimum;
    int32_t maximum;
} tz_range_t;

static inline int32_t tz_finish(int32_t value, const tz_scale_t *scale, const tz_range_t *range)
{
    const int32_t scaled = tz_scale_double(value, scale->multiplier, (int)scale->shift) + scale->zero_point;
    return tz_clamp(scaled, range->minimum, range->maximum);
}

/* The same for values that stay below 2^30 when shifted to the left by scale->shift. */
static inline int32_t tz_finish_small(int32_t value, const tz_scale_t *scale, const tz_range_t *range)
{
    const int left = scale->shift > 0 ? (int)scale->shift : 0;
    const int32_t product = tz_high_multiply_small(value * (1 << left), scale->multiplier);
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
    const int32_t raised = (value - scale->zero_point) * (1 << left_shift);
    return tz_divide_by_power(tz_high_multiply_small(raised, scale->multiplier), (int)-scale->shift);
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

/* The compiler takes it where the products stay small. */
static inline int32_t tz_multiply_small(const tz_multiply_t *p, int32_t a, int32_t b)
{
    return tz_finish_small((a - p->a_zero_point) * (b - p->b_zero_point), &p->output, &p->range);
}

/* QUANTIZE between integers; RELU and its kin with their own scales. */
typedef struct {
    int32_t zero_point;
    tz_scale_t output;
    tz_range_t range;
} tz_requantize_t;

static inline int32_t tz_requantize(const tz_requantize_t *p, int32_t value)
{
    return tz_finish(value - p->zero_point, &p->output, &p->range);
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

/* DEQUANTIZE. */
typedef struct {
    int32_t zero_point;
    float scale;
} tz_dequantize_t;

static inline float tz_dequantize(const tz_dequantize_t *p, int32_t value)
{
    return (float)(value - p->zero_point) * p->scale;
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

#endif
