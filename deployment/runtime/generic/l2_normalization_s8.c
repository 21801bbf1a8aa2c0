#include "textzoo/l2_normalization.h"

#include "textzoo/fixedpoint.h"
#include "textzoo/reciprocal.h"

enum {
    ONE = 1 << 28, /* with 3 integer bits */
    THREE_HALVES = ONE + ONE / 2,
    ROOT_OF_HALF = 1518500250, /* 31 fraction bits */
    OUTPUT_BITS = 7            /* steps of 1/128 */
};

/* As tz_scale_double takes it. */
typedef struct {
    int32_t multiplier, shift;
} tz_inverse_root_t;

/* value in [2^27, 2^29) -> 2^14 / sqrt(value), 28 fraction bits. Newton's iteration for 1 / sqrt(w), w = value / 2^29 in
 * [1/4, 1), from 1, five times; then times the root of 1/2. x stays in [1, 2), and its cube below 8: both fit. */
static int32_t iterated(int32_t value)
{
    const int32_t half = ((value >> 1) + 1) >> 1;
    int32_t x = ONE;
    for (int i = 0; i < 5; ++i) {
        const int32_t square = tz_high_multiply(x, x);
        const int32_t cube = tz_saturating_shift_left(tz_high_multiply(square, x), 6);
        x = tz_saturating_shift_left(tz_high_multiply(THREE_HALVES, x) - tz_high_multiply(half, cube), 3);
    }
    return tz_high_multiply(x, ROOT_OF_HALF);
}

/* 1 / sqrt(sum), sum >= 0; 0 counts as 1. */
static tz_inverse_root_t inverse_root(int32_t sum)
{
    if (sum <= 1) {
        return (tz_inverse_root_t){INT32_MAX, 0};
    }
    int32_t right = 11;
    for (; sum >= 1 << 29; sum /= 4) {
        ++right;
    }
    const int32_t pairs = (tz_leading_zeros_32((uint32_t)sum) - 1) / 2 - 1;
    right -= pairs;
    const int32_t root = iterated(sum * (1 << 2 * pairs));
    return right < 0 ? (tz_inverse_root_t){root * (1 << -right), 0} : (tz_inverse_root_t){root, -right};
}

static int32_t sum_of_squares(const tz_l2_normalization_s8_t *normalization, const int8_t *row)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < normalization->columns; ++i) {
        const int32_t difference = row[i] - normalization->zero_point;
        sum += difference * difference;
    }
    return sum;
}

void tz_l2_normalization_s8(const tz_l2_normalization_s8_t *normalization, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < normalization->rows; ++row) {
        const tz_inverse_root_t scale = inverse_root(sum_of_squares(normalization, input));
        for (int32_t i = 0; i < normalization->columns; ++i) {
            const int32_t difference = input[i] - normalization->zero_point;
            const int32_t scaled = tz_scale_double(difference, scale.multiplier, (int)scale.shift + OUTPUT_BITS);
            output[i] = (int8_t)tz_clamp(scaled, INT8_MIN, INT8_MAX);
        }
        input += normalization->columns;
        output += normalization->columns;
    }
}
