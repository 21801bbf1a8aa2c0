#include "softmax_rows.h"

/* An exponential over the sum in steps of 1/65536: 8 bits more than tz_probability, of the same reciprocal. */
static int32_t probability(int32_t exponential, tz_reciprocal_t reciprocal)
{
    const int32_t product = tz_high_multiply(reciprocal.multiplier, exponential);
    return tz_clamp(tz_divide_by_power(product, reciprocal.exponent - 8), 0, UINT16_MAX);
}

void tz_softmax_s8_s16(const tz_softmax_s8_t *softmax, const int8_t *input, int16_t *output)
{
    for (int32_t row = 0; row < softmax->rows; ++row) {
        const int32_t largest = largest_of_s8(input, softmax->columns);
        const tz_reciprocal_t reciprocal = tz_reciprocal(sum_of_exponentials(softmax, input, largest));
        for (int32_t i = 0; i < softmax->columns; ++i) {
            const int32_t distance = largest - input[i];
            const int32_t exponential = distance < softmax->distances ? softmax->exponentials[distance] : 0;
            output[i] = (int16_t)(probability(exponential, reciprocal) + INT16_MIN);
        }
        input += softmax->columns;
        output += softmax->columns;
    }
}
