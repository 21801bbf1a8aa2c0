/* Shared by the kernels of SOFTMAX of int16: all but the exponentials. */
#ifndef TEXTZOO_SOFTMAX_S16_H
#define TEXTZOO_SOFTMAX_S16_H

#include "../internal/softmax_parts.h"

/* The exponential of a distance from the largest value. */
typedef int32_t tz_softmax_exponential_t(const tz_softmax_s16_t *softmax, int32_t distance);

static inline int32_t largest_of_s16(const int16_t *row, int32_t columns)
{
    int32_t largest = row[0];
    for (int32_t i = 1; i < columns; ++i) {
        largest = row[i] > largest ? row[i] : largest;
    }
    return largest;
}

static inline void softmax_rows(const tz_softmax_s16_t *softmax, const int16_t *input, int16_t *output,
                                tz_softmax_exponential_t *exponential)
{
    for (int32_t row = 0; row < softmax->rows; ++row) {
        const int32_t largest = largest_of_s16(input, softmax->columns);
        int32_t sum = 0;
        for (int32_t i = 0; i < softmax->columns; ++i) {
            output[i] = (int16_t)exponential(softmax, input[i] - largest);
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

#endif
