#include "../internal/double_precision.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_rows.h"

void tz_fully_connected_s8_rows(const tz_fully_connected_rows_t *layer, const int8_t *input, int8_t *output)
{
    const int8_t *weights = layer->weights;
    for (int32_t row = 0; row < layer->rows; ++row) {
        int32_t sum = (int32_t)layer->bias[row];
        for (int32_t column = 0; column < layer->columns; ++column) {
            sum += input[column] * *weights++;
        }
        const int32_t scaled = tz_scale_as_double(sum, layer->mantissas[row], layer->exponents[row]);
        const int32_t value = tz_clamp(scaled, -INT16_MAX, INT16_MAX) + layer->output_zero_point;
        output[layer->output_rows[row]] = (int8_t)tz_clamp(value, layer->minimum, layer->maximum);
    }
}
