/* Shared by the generic kernels of FULLY_CONNECTED with packed weights: everything but the sums.
 *
 * Weights are stored row by row, several in a byte, each plus an offset, the first in the lowest bits; a row begins at
 * a byte boundary. With u = weight + offset: weights . x = u . x - offset * (sum of x). */
#ifndef TEXTZOO_PACKED_ROWS_H
#define TEXTZOO_PACKED_ROWS_H

#include "../internal/row_output.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

/* u . x of one row. */
typedef int32_t tz_packed_dot_row_t(const uint8_t *weights, const int8_t *input, int32_t columns);

static inline int32_t sum_of(const int8_t *input, int32_t columns)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < columns; ++column) {
        sum += input[column];
    }
    return sum;
}

static inline void fully_connected(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                   int32_t weights_in_a_byte, int32_t offset, tz_packed_dot_row_t *dot_row)
{
    const int32_t row_bytes = (layer->columns + weights_in_a_byte - 1) / weights_in_a_byte;
    const int32_t offset_sum = offset * sum_of(input, layer->columns);
    const uint8_t *weights = (const uint8_t *)layer->weights;
    for (int32_t row = 0; row < layer->rows; ++row, weights += row_bytes) {
        const int32_t sum = dot_row(weights, input, layer->columns) - offset_sum + layer->bias[row];
        output[row] = tz_row_output_s8(layer, row, sum);
    }
}

#endif
