#include "textzoo/log_softmax.h"

#include "textzoo/fixedpoint.h"
#include "textzoo/reciprocal.h"

/* Bits: integer bits of the sums of exponentials, and of the logarithm, which has 26 fraction bits; one bit more while
 * it is computed. */
enum { SUM_BITS = 12, LOG_BITS = 5, WIDE_FRACTION_BITS = 25 };

/* Constants with 31 fraction bits. */
enum {
    LOG_2 = 1488522236,
    ROOT_OF_HALF = 1518500250,
    FOURTH_ROOT_OF_HALF = 1805811301,
    /* Coefficients of a rational function, multiples of the fourth root of 2. */
    ALPHA_N = 117049297,
    ALPHA_D = 127690142,
    ALPHA_I = 1057819769,
    ALPHA_F = 638450708
};

/* The logarithm of a sum as power * log 2 + log of a mantissa near the fourth root of 1/2. */
typedef struct {
    int32_t mantissa; /* 31 fraction bits */
    int32_t power;    /* WIDE_FRACTION_BITS fraction bits: an integer and 1/4, or 3/4 */
} tz_split_sum_t;

/* sum in [2^19, 2^31), as the largest value of a row counts as 2^19 and there are at most 4095 of them. Two candidates:
 * the sum raised to [1/2, 1) and multiplied with the root of 2, and the sum raised by as much as its product with the
 * root of 1/2 can be. Both mantissas saturate at 1; the smaller one, with the larger power, is right. Powers are
 * between 1/4 and 12: times 2^25 they fit. */
static tz_split_sum_t split(int32_t sum)
{
    const int32_t quarter = 1 << (WIDE_FRACTION_BITS - 2);
    const int clear = tz_leading_zeros_32((uint32_t)sum);
    const int32_t first = tz_saturating_shift_left(tz_high_multiply(sum * (1 << (clear - 1)), ROOT_OF_HALF), 1);
    const int32_t first_power = (SUM_BITS - clear) * (1 << WIDE_FRACTION_BITS) + quarter;
    const int headroom = tz_leading_zeros_32((uint32_t)tz_high_multiply(sum, ROOT_OF_HALF)) - 1;
    const int32_t second = tz_saturating_shift_left(sum, headroom);
    const int32_t second_power = (SUM_BITS - headroom) * (1 << WIDE_FRACTION_BITS) - quarter;
    return (tz_split_sum_t){first < second ? first : second, first_power > second_power ? first_power : second_power};
}

/* Of a sum with 19 fraction bits, 26 fraction bits: below 8.4.
 * The mantissa r lies in [0.70, 1], so that p, its mean with the fourth root of 1/2, lies in [0.77, 0.93], and q, twice
 * its distance from that, in [-0.27, 0.32]. Then the inner sum lies in [0.22, 0.82], and the denominator less 1 in
 * [0.09, 0.85], as the reciprocal requires: all of them with 31 fraction bits, so that nothing overflows 32 bits. */
static int32_t logarithm(int32_t sum)
{
    const tz_split_sum_t parts = split(sum);
    const int32_t r = parts.mantissa;
    const int32_t p = (int32_t)(((int64_t)r + FOURTH_ROOT_OF_HALF + 1) >> 1);
    const int32_t q = 2 * (r - FOURTH_ROOT_OF_HALF);
    const int32_t square = tz_high_multiply(q, q);
    const int32_t numerator = tz_high_multiply(q, r) + tz_high_multiply(tz_high_multiply(q, square), ALPHA_N);
    const int32_t inner = ALPHA_I + q + tz_high_multiply(ALPHA_D, square);
    const int32_t reciprocal = tz_one_over_one_plus(tz_high_multiply(p, inner) + tz_high_multiply(ALPHA_F, q));
    const int32_t mantissa_log = tz_high_multiply(tz_divide_by_power(numerator, LOG_BITS + 1), reciprocal);
    return tz_saturating_shift_left(tz_high_multiply(parts.power, LOG_2) + mantissa_log, 1);
}

static int32_t largest_of(const int8_t *row, int32_t columns)
{
    int32_t largest = row[0];
    for (int32_t i = 1; i < columns; ++i) {
        largest = row[i] > largest ? row[i] : largest;
    }
    return largest;
}

/* Each is at most 2^19: 4095 of them stay below 2^31. */
static int32_t sum_of_exponentials(const tz_log_softmax_s8_t *softmax, const int8_t *row, int32_t largest)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < softmax->columns; ++i) {
        const int32_t distance = largest - row[i];
        sum += distance < softmax->distances ? softmax->exponentials[distance] : 0;
    }
    return sum;
}

/* The distance from which on an output would leave 32 bits before it is shifted. */
static int32_t furthest(const tz_log_softmax_s8_t *softmax, int32_t log_of_sum)
{
    const int32_t limit = tz_scale_double(log_of_sum + INT32_MIN, softmax->reverse_multiplier,
                                          (int)softmax->reverse_shift);
    return -limit < softmax->distances ? -limit : softmax->distances;
}

/* distance < distances: the product is at most 31 * 2^26, and distance < -limit: as the limit is rounded to nearest,
 * the distance is at least half a step away from where the difference would leave 32 bits. A step is more than 2^22
 * where that is near, 255 steps from 0, and the rounding errors of the factors are less than 2^9. */
static int32_t output_at(const tz_log_softmax_s8_t *softmax, int32_t distance, int32_t log_of_sum)
{
    const int32_t scaled = tz_high_multiply(-distance * (1 << softmax->shift), softmax->multiplier);
    return tz_clamp(tz_divide_by_power(scaled - log_of_sum, 22) + INT8_MAX, INT8_MIN, INT8_MAX);
}

void tz_log_softmax_s8(const tz_log_softmax_s8_t *softmax, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < softmax->rows; ++row) {
        const int32_t largest = largest_of(input, softmax->columns);
        const int32_t log_of_sum = logarithm(sum_of_exponentials(softmax, input, largest));
        const int32_t limit = furthest(softmax, log_of_sum);
        for (int32_t i = 0; i < softmax->columns; ++i) {
            const int32_t distance = largest - input[i];
            output[i] = (int8_t)(distance < limit ? output_at(softmax, distance, log_of_sum) : INT8_MIN);
        }
        input += softmax->columns;
        output += softmax->columns;
    }
}
