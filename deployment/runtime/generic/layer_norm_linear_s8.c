#include "textzoo/layer_norm_linear_s8.h"

#include "../internal/layer_norm_parts.h"
#include "textzoo/linear_sum_s8.h"

static int32_t mean_of(const tz_layer_norm_linear_s8_t *norm, const int8_t *input)
{
    int32_t sum = -norm->mean_offset;
    for (int32_t i = 0; i < norm->width; ++i) {
        sum += input[i];
    }
    return tz_norm_to_int8(sum, &norm->mean);
}

/* The differences to the mean; returns the sum of their squares as int8. */
static int32_t differences(const tz_layer_norm_linear_s8_t *norm, const int8_t *input, int32_t mean, int8_t *output)
{
    const int32_t offset = norm->difference_offset + mean * norm->mean_factor;
    int32_t squares = 0;
    for (int32_t i = 0; i < norm->width; ++i) {
        const int32_t sum = input[i] * norm->input_factor + offset;
        const int32_t difference = tz_clamp_shifted(sum, TZ_LINEAR_SHIFT, INT8_MIN, INT8_MAX);
        const int32_t centred = difference - norm->difference_zero_point;
        output[i] = (int8_t)difference;
        squares += centred * centred;
    }
    return tz_norm_to_int8(squares, &norm->square);
}

void tz_layer_norm_linear_s8(const tz_layer_norm_linear_s8_t *norm, const int8_t *input, int8_t *output)
{
    const int32_t square = differences(norm, input, mean_of(norm, input), output);
    const int32_t deviation = norm->table[square + 128] - norm->table_zero_point;
    for (int32_t i = 0; i < norm->width; ++i) {
        const int32_t factor = tz_scaled_product(deviation, norm->gain[i] - norm->gain_zero_point, norm->factor);
        const int32_t centred = output[i] - norm->difference_zero_point;
        output[i] = (int8_t)tz_norm_saturated(centred * (factor - norm->factor_zero_point), norm->product);
    }
}
