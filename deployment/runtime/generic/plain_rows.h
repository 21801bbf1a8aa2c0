/* FULLY_CONNECTED on any core, with any weights of 8 bits, row by row: (rows, columns). No scratch. */
#ifndef TEXTZOO_PLAIN_ROWS_H
#define TEXTZOO_PLAIN_ROWS_H

#include "../internal/row_output.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s16.h"
#include "textzoo/fully_connected_s8.h"

static inline void plain_rows_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output)
{
    const int8_t *weights = (const int8_t *)layer->weights;
    for (int32_t row = 0; row < layer->rows; ++row) {
        int32_t sum = layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += input[column] * *weights++;
        }
        output[row] = tz_row_output_s8(layer, row, sum);
    }
}

static inline void plain_rows_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output)
{
    const int8_t *weights = (const int8_t *)layer->weights;
    for (int32_t row = 0; row < layer->rows; ++row) {
        int32_t sum = layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += (int32_t)input[column] * *weights++;
        }
        sum = tz_scale_precise_short(sum, layer->multipliers[row], layer->low_multipliers[row], layer->shifts[row]);
        output[row] = (int16_t)tz_clamp(sum, layer->minimum, layer->maximum);
    }
}

#endif
