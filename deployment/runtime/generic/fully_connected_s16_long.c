#include "textzoo/fully_connected_s16_long.h"

#include "textzoo/fixedpoint.h"

void tz_fully_connected_s16_long(const tz_fully_connected_s16_long_t *layer, const int16_t *input, int16_t *output)
{
    const int8_t *weights = layer->weights;
    for (int32_t row = 0; row < layer->rows; ++row) {
        int64_t sum = layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += input[column] * *weights++;
        }
        const int32_t scaled = tz_scale_precise(sum, layer->multipliers[row], layer->low_multipliers[row],
                                                layer->shifts[row]);
        output[row] = (int16_t)tz_clamp(scaled, layer->minimum, layer->maximum);
    }
}
