#include "textzoo/layer_norm_s8.h"

#include "../internal/layer_norm_parts.h"

/* Parameters are copied before each loop, because the compiler must assume that storing a byte changes them. */

static int32_t mean_of(const tz_layer_norm_s8_t *norm, const int8_t *input)
{
    const int32_t width = norm->width;
    int32_t sum = -norm->mean_offset;
    for (int32_t i = 0; i < width; ++i) {
        sum += input[i];
    }
    return tz_norm_to_int8(sum, &norm->mean);
}

/* The differences to the mean; returns the sum of their squares as int8. */
static int32_t differences(const tz_layer_norm_s8_t *norm, const int8_t *input, int32_t mean, int8_t *output)
{
    const tz_hoisted_t to_common = norm->input, to_difference = norm->difference;
    const int32_t width = norm->width, input_zero_point = norm->input_zero_point;
    const int32_t zero_point = norm->difference_zero_point;
    const int32_t common_mean = tz_scale_hoisted(mean - norm->mean_zero_point, norm->raised_mean);
    int32_t squares = 0;
    for (int32_t i = 0; i < width; ++i) {
        const int32_t common = tz_scale_hoisted(input[i] - input_zero_point, to_common);
        const int32_t difference = tz_norm_saturated(common - common_mean, to_difference);
        output[i] = (int8_t)difference;
        squares += (difference - zero_point) * (difference - zero_point);
    }
    return tz_norm_to_int8(squares, &norm->square);
}

void tz_layer_norm_s8(const tz_layer_norm_s8_t *norm, const int8_t *input, int8_t *output)
{
    const int32_t square = differences(norm, input, mean_of(norm, input), output);
    const int32_t deviation = norm->table[square + 128] - norm->table_zero_point;
    const tz_hoisted_t to_factor = norm->factor, to_output = norm->product;
    const int32_t gain_zero_point = norm->gain_zero_point, factor_zero_point = norm->factor_zero_point;
    const int32_t width = norm->width, zero_point = norm->difference_zero_point;
    const int8_t *gain = norm->gain;
    for (int32_t i = 0; i < width; ++i) {
        const int32_t factor = tz_norm_saturated(deviation * (gain[i] - gain_zero_point), to_factor);
        output[i] = (int8_t)tz_norm_saturated((output[i] - zero_point) * (factor - factor_zero_point), to_output);
    }
}
