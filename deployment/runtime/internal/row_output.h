/* Shared by the variants of fully_connected_s8.h. */
#ifndef TEXTZOO_ROW_OUTPUT_H
#define TEXTZOO_ROW_OUTPUT_H

#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

/* The output of a row from its sum with the bias. */
static inline int8_t tz_row_output_s8(const tz_fully_connected_s8_t *layer, int32_t row, int32_t sum)
{
    const int32_t scaled = tz_scale_single(sum, layer->multipliers[row], layer->shifts[row]);
    return (int8_t)tz_clamp(scaled + layer->output_zero_point, layer->minimum, layer->maximum);
}

#endif
