#include "softmax_rows.h"

void tz_softmax_s8(const tz_softmax_s8_t *softmax, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < softmax->rows; ++row) {
        const int32_t largest = largest_of_s8(input, softmax->columns);
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
