/* Any core. Weights row by row, four in a byte, each + 1, the first in the lowest bits; a row begins with a byte of its
 * own: (rows, (columns + 3) / 4) bytes. No scratch. */
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const uint8_t *weights = layer->weights;
    const int32_t row_bytes = (layer->columns + 3) / 4;
    (void)scratch;
    for (int32_t row = 0; row < layer->rows; ++row, weights += row_bytes) {
        int32_t sum = layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            const int32_t weight = (weights[column / 4] >> column % 4 * 2 & 3) - 1;
            sum += input[column] * weight;
        }
        sum = tz_scale_single(sum, layer->multipliers[row], layer->shifts[row]) + layer->output_zero_point;
        output[row] = (int8_t)tz_clamp(sum, layer->minimum, layer->maximum);
    }
}
