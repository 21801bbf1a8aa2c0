/* Shared by the variants of layer_norm_s8.h: the steps of one element. */
#ifndef TEXTZOO_LAYER_NORM_PARTS_H
#define TEXTZOO_LAYER_NORM_PARTS_H

#include "textzoo/fixedpoint.h"
#include "textzoo/layer_norm_s8.h"

/* A sum as the mean or the mean square. */
static inline int32_t tz_norm_to_int8(int32_t sum, const tz_scale_t *scale)
{
    const int32_t scaled = tz_scale_double(sum, scale->multiplier, (int)scale->shift) + scale->zero_point;
    return tz_clamp(scaled, INT8_MIN, INT8_MAX);
}

/* A difference, a factor or a product. */
static inline int32_t tz_norm_saturated(int32_t value, tz_hoisted_t scale)
{
    return tz_scale_hoisted_s8(value, scale);
}

/* d[i], from input[i] less its zero point; common_mean: the mean on the common scale. */
static inline int32_t tz_norm_difference(int32_t input, tz_hoisted_t to_common, int32_t common_mean,
                                         tz_hoisted_t to_difference)
{
    return tz_norm_saturated(tz_scale_hoisted(input, to_common) - common_mean, to_difference);
}

/* output[i], from d[i], gain[i] and the reciprocal of the deviation, less their zero points. */
static inline int32_t tz_norm_output(int32_t difference, int32_t gain, int32_t deviation, tz_hoisted_t to_factor,
                                     int32_t factor_zero_point, tz_hoisted_t to_output)
{
    const int32_t factor = tz_norm_saturated(deviation * gain, to_factor);
    return tz_norm_saturated(difference * (factor - factor_zero_point), to_output);
}

#endif
