/* Cortex-M55: four elements at a time as int32; the rest of a row like the generic kernel. */
#include "textzoo/layer_norm_s8.h"

#include "../internal/layer_norm_parts.h"
#include "../internal/mve_scale.h"

enum { LANES = 4, BYTES = 16 };

static int32_t mean_of(const tz_layer_norm_s8_t *norm, const int8_t *input)
{
    int32_t sum = -norm->mean_offset;
    int32_t i = 0;
    for (; i + BYTES <= norm->width; i += BYTES) {
        sum = vaddvaq_s8(sum, vldrbq_s8(input + i));
    }
    for (; i < norm->width; ++i) {
        sum += input[i];
    }
    return tz_norm_to_int8(sum, &norm->mean);
}

/* The differences to the mean; returns the sum of their squares as int8. */
static int32_t differences(const tz_layer_norm_s8_t *norm, const int8_t *input, int32_t mean, int8_t *output)
{
    const tz_hoisted_t to_common = norm->input, to_difference = norm->difference;
    const int32_t zero_point = norm->difference_zero_point, input_zero_point = norm->input_zero_point;
    const int32_t common_mean = tz_scale_hoisted(mean - norm->mean_zero_point, norm->raised_mean);
    int32_t squares = 0, i = 0;
    for (; i + LANES <= norm->width; i += LANES) {
        const int32x4_t common = tz_scale_four(vsubq_n_s32(vldrbq_s32(input + i), input_zero_point), to_common);
        const int32x4_t difference = tz_saturate_four(tz_scale_four(vsubq_n_s32(common, common_mean), to_difference));
        const int32x4_t centred = vsubq_n_s32(difference, zero_point);
        vstrbq_s32(output + i, difference);
        squares = vmladavaq_s32(squares, centred, centred);
    }
    for (; i < norm->width; ++i) {
        const int32_t value = input[i] - input_zero_point;
        const int32_t difference = tz_norm_difference(value, to_common, common_mean, to_difference);
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
    const int32_t zero_point = norm->difference_zero_point;
    int32_t i = 0;
    for (; i + LANES <= norm->width; i += LANES) {
        const int32x4_t gain = vsubq_n_s32(vldrbq_s32(norm->gain + i), gain_zero_point);
        const int32x4_t factor = tz_saturate_four(tz_scale_four(vmulq_n_s32(gain, deviation), to_factor));
        const int32x4_t difference = vsubq_n_s32(vldrbq_s32(output + i), zero_point);
        const int32x4_t product = vmulq_s32(difference, vsubq_n_s32(factor, factor_zero_point));
        vstrbq_s32(output + i, tz_saturate_four(tz_scale_four(product, to_output)));
    }
    for (; i < norm->width; ++i) {
        const int32_t difference = output[i] - zero_point, plain_gain = norm->gain[i] - gain_zero_point;
        output[i] = (int8_t)tz_norm_output(difference, plain_gain, deviation, to_factor, factor_zero_point, to_output);
    }
}
