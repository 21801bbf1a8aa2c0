#include "../internal/double_precision.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_computed.h"

void tz_fully_connected_s8_computed(const tz_fully_connected_computed_t *layer, const int8_t *input,
                                    const int8_t *weights, int8_t *output)
{
    for (int32_t row = 0; row < layer->rows; ++row) {
        int32_t sum = (int32_t)layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += (input[column] - layer->input_zero_point) * (*weights++ - layer->weights_zero_point);
        }
        const int32_t scaled = tz_scale_as_double(sum, layer->mantissas[row], layer->exponents[row]);
        const int32_t value = tz_clamp(scaled, -INT16_MAX, INT16_MAX) + layer->output_zero_point;
        output[row] = (int8_t)tz_clamp(value, layer->minimum, layer->maximum);
    }
}
