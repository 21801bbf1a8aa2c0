/* Any core. Weights row by row: int8 (rows, columns). No scratch. */
#include "textzoo/fully_connected_s16.h"

#include "textzoo/fixedpoint.h"

void tz_fully_connected_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output, void *scratch)
{
    const int8_t *weights = layer->weights;
    (void)scratch;
    for (int32_t row = 0; row < layer->rows; ++row) {
        int32_t sum = layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += input[column] * *weights++;
        }
        sum = tz_scale_precise_short(sum, layer->multipliers[row], layer->rests[row], layer->shifts[row]);
        output[row] = (int16_t)tz_clamp(sum, layer->minimum, layer->maximum);
    }
}
