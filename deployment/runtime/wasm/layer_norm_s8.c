/* WebAssembly with vectors: sixteen elements at a time, four in a vector of int32; what is left of a row as the generic
 * kernel does it. */
#include "textzoo/layer_norm_s8.h"

#include "../internal/layer_norm_parts.h"
#include "../internal/wasm_scale.h"

enum { GROUP = 16, VECTORS = 4 };

static inline int32_t sum_of_lanes(v128_t sums)
{
    return wasm_i32x4_extract_lane(sums, 0) + wasm_i32x4_extract_lane(sums, 1) + wasm_i32x4_extract_lane(sums, 2) +
           wasm_i32x4_extract_lane(sums, 3);
}

static int32_t mean_of(const tz_layer_norm_s8_t *norm, const int8_t *input)
{
    v128_t sums = wasm_i32x4_const_splat(0);
    int32_t i = 0;
    for (; i + GROUP <= norm->width; i += GROUP) {
        const v128_t pairs = wasm_i16x8_extadd_pairwise_i8x16(wasm_v128_load(input + i));
        sums = wasm_i32x4_add(sums, wasm_i32x4_extadd_pairwise_i16x8(pairs));
    }
    int32_t sum = sum_of_lanes(sums) - norm->mean_offset;
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
    const int32_t width = norm->width;
    v128_t sums = wasm_i32x4_const_splat(0);
    int32_t i = 0;
    for (; i + GROUP <= width; i += GROUP) {
        v128_t lanes[VECTORS];
        tz_widen_sixteen(input + i, input_zero_point, lanes);
        for (int vector = 0; vector < VECTORS; ++vector) {
            const v128_t common = wasm_i32x4_sub(tz_scale_four(lanes[vector], to_common), wasm_i32x4_splat(common_mean));
            lanes[vector] = tz_scale_four(common, to_difference);
        }
        wasm_v128_store(output + i, tz_narrow_sixteen(lanes));
        tz_widen_sixteen(output + i, zero_point, lanes);
        for (int vector = 0; vector < VECTORS; ++vector) {
            sums = wasm_i32x4_add(sums, wasm_i32x4_mul(lanes[vector], lanes[vector]));
        }
    }
    int32_t squares = sum_of_lanes(sums);
    for (; i < width; ++i) {
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
    const int32_t zero_point = norm->difference_zero_point, width = norm->width;
    const int8_t *const gain = norm->gain;
    const v128_t deviations = wasm_i32x4_splat(deviation);
    int32_t i = 0;
    for (; i + GROUP <= width; i += GROUP) {
        int8_t saturated[GROUP];
        v128_t factors[VECTORS], products[VECTORS];
        tz_widen_sixteen(gain + i, gain_zero_point, factors);
        for (int vector = 0; vector < VECTORS; ++vector) {
            factors[vector] = tz_scale_four(wasm_i32x4_mul(factors[vector], deviations), to_factor);
        }
        wasm_v128_store(saturated, tz_narrow_sixteen(factors));
        tz_widen_sixteen(saturated, factor_zero_point, factors);
        tz_widen_sixteen(output + i, zero_point, products);
        for (int vector = 0; vector < VECTORS; ++vector) {
            products[vector] = tz_scale_four(wasm_i32x4_mul(products[vector], factors[vector]), to_output);
        }
        wasm_v128_store(output + i, tz_narrow_sixteen(products));
    }
    for (; i < width; ++i) {
        const int32_t difference = output[i] - zero_point, plain_gain = gain[i] - gain_zero_point;
        output[i] = (int8_t)tz_norm_output(difference, plain_gain, deviation, to_factor, factor_zero_point, to_output);
    }
}
