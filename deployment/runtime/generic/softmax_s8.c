#include "textzoo/softmax.h"

/* What takes part in the sum: 12 integer bits, so that 4095 ones fit. */
static int32_t sum_of_exponentials(const tz_softmax_s8_t *softmax, const int8_t *row, int32_t largest)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < softmax->columns; ++i) {
        const int32_t distance = largest - row[i];
        if (distance < softmax->distances) {
            sum += tz_divide_by_power(softmax->exponentials[distance], TZ_DROPPED_BITS);
        }
    }
    return sum;
}

static int32_t largest_of(const int8_t *row, int32_t columns)
{
    int32_t largest = row[0];
    for (int32_t i = 1; i < columns; ++i) {
        largest = row[i] > largest ? row[i] : largest;
    }
    return largest;
}

void tz_softmax_s8(const tz_softmax_s8_t *softmax, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < softmax->rows; ++row) {
        const int32_t largest = largest_of(input, softmax->columns);
        const tz_reciprocal_t reciprocal = tz_reciprocal(sum_of_exponentials(softmax, input, largest));
        for (int32_t i = 0; i < softmax->columns; ++i) {
            const int32_t distance = largest - input[i];
            const int32_t exponential = distance < softmax->distances ? softmax->exponentials[distance] : 0;
            output[i] = (int8_t)(tz_probability(exponential, reciprocal) - 128);
        }
        input += softmax->columns;
        output += softmax->columns;
    }
}
