/* Shared by the variants of conv_2d_s8.h and depthwise_conv_2d_s8.h, whose parameters have the same names. */
#ifndef TEXTZOO_FILTER_OUTPUT_H
#define TEXTZOO_FILTER_OUTPUT_H

#include "textzoo/fixedpoint.h"

/* The output of a filter from its sum with the bias; layer: a pointer to the parameters. */
#define TZ_FILTER_OUTPUT_S8(layer, row, sum)                                                                           \
    ((int8_t)tz_clamp(tz_scale_double(sum, (layer)->multipliers[row], (layer)->shifts[row]) +                          \
                          (layer)->output_zero_point,                                                                  \
                      (layer)->minimum, (layer)->maximum))

#endif
