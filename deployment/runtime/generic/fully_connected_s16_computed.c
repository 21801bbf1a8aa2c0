#include "../internal/double_precision.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_computed.h"

void tz_fully_connected_s16_computed(const tz_fully_connected_computed_t *layer, const int16_t *input,
                                     const int8_t *weights, int16_t *output)
{
    for (int32_t row = 0; row < layer->rows; ++row) {
        int64_t sum = layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += input[column] * (*weights++ - layer->weights_zero_point);
        }
        const int32_t scaled = tz_scale_as_double(sum, layer->mantissas[row], layer->exponents[row]);
        output[row] = (int16_t)tz_clamp(scaled, layer->minimum, layer->maximum);
    }
}
