/* 64-bit Arm cores: sixteen elements at a time, four in a vector of int32; what is left of a row as the generic kernel
 * does it. */
#include "textzoo/layer_norm_s8.h"

#include "../internal/layer_norm_parts.h"
#include "../internal/neon_scale.h"

enum { GROUP = 16, VECTORS = 4 };

static int32_t mean_of(const tz_layer_norm_s8_t *norm, const int8_t *input)
{
    int32_t sum = -norm->mean_offset;
    int32_t i = 0;
    for (; i + GROUP <= norm->width; i += GROUP) {
        sum += vaddlvq_s8(vld1q_s8(input + i));
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
    const tz_lanes_scale_t common_lanes = tz_lanes_scale(to_common), difference_lanes = tz_lanes_scale(to_difference);
    const int32_t zero_point = norm->difference_zero_point, input_zero_point = norm->input_zero_point;
    const int32_t common_mean = tz_scale_hoisted(mean - norm->mean_zero_point, norm->raised_mean);
    int32x4_t sums = vdupq_n_s32(0);
    int32_t i = 0;
    for (; i + GROUP <= norm->width; i += GROUP) {
        int32x4_t lanes[VECTORS];
        tz_widen_sixteen(vld1q_s8(input + i), input_zero_point, lanes);
        for (int vector = 0; vector < VECTORS; ++vector) {
            const int32x4_t common = vsubq_s32(tz_scale_four(lanes[vector], common_lanes), vdupq_n_s32(common_mean));
            lanes[vector] = tz_scale_four(common, difference_lanes);
        }
        const int8x16_t difference = tz_narrow_sixteen(lanes);
        vst1q_s8(output + i, difference);
        tz_widen_sixteen(difference, zero_point, lanes);
        for (int vector = 0; vector < VECTORS; ++vector) {
            sums = vmlaq_s32(sums, lanes[vector], lanes[vector]);
        }
    }
    int32_t squares = vaddvq_s32(sums);
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
    const tz_lanes_scale_t factor_lanes = tz_lanes_scale(to_factor), output_lanes = tz_lanes_scale(to_output);
    const int32_t gain_zero_point = norm->gain_zero_point, factor_zero_point = norm->factor_zero_point;
    const int32_t zero_point = norm->difference_zero_point;
    int32_t i = 0;
    for (; i + GROUP <= norm->width; i += GROUP) {
        int32x4_t factors[VECTORS], products[VECTORS];
        tz_widen_sixteen(vld1q_s8(norm->gain + i), gain_zero_point, factors);
        for (int vector = 0; vector < VECTORS; ++vector) {
            factors[vector] = tz_scale_four(vmulq_n_s32(factors[vector], deviation), factor_lanes);
        }
        tz_widen_sixteen(tz_narrow_sixteen(factors), factor_zero_point, factors);
        tz_widen_sixteen(vld1q_s8(output + i), zero_point, products);
        for (int vector = 0; vector < VECTORS; ++vector) {
            products[vector] = tz_scale_four(vmulq_s32(products[vector], factors[vector]), output_lanes);
        }
        vst1q_s8(output + i, tz_narrow_sixteen(products));
    }
    for (; i < norm->width; ++i) {
        const int32_t difference = output[i] - zero_point, plain_gain = norm->gain[i] - gain_zero_point;
        output[i] = (int8_t)tz_norm_output(difference, plain_gain, deviation, to_factor, factor_zero_point, to_output);
    }
}
