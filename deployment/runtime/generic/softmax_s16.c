#include "textzoo/softmax.h"

static int32_t largest_of(const int16_t *row, int32_t columns)
{
    int32_t largest = row[0];
    for (int32_t i = 1; i < columns; ++i) {
        largest = row[i] > largest ? row[i] : largest;
    }
    return largest;
}

void tz_softmax_s16(const tz_softmax_s16_t *softmax, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < softmax->rows; ++row) {
        const int32_t largest = largest_of(input, softmax->columns);
        int32_t sum = 0;
        for (int32_t i = 0; i < softmax->columns; ++i) {
            output[i] = (int16_t)tz_exponential_s16(softmax, input[i] - largest);
            sum += output[i];
        }
        const tz_reciprocal_t reciprocal = tz_reciprocal_s16(softmax->reciprocals, sum);
        for (int32_t i = 0; i < softmax->columns; ++i) {
            output[i] = (int16_t)tz_probability_s16(output[i], reciprocal);
        }
        input += softmax->columns;
        output += softmax->columns;
    }
}
