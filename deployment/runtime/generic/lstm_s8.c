/* Any core. Weights: row by row. Scratch: the gates (int16). */
#include "../internal/lstm_cells.h"

static int32_t row_sum(const int8_t *weights, const int8_t *vector, int32_t count, int32_t sum)
{
    for (int32_t column = 0; column < count; ++column) {
        sum += vector[column] * weights[column];
    }
    return sum;
}

static void compute_gates(const tz_lstm_s8_t *layer, const int8_t *input, const int8_t *hidden, int16_t *gates,
                          void *scratch)
{
    const int8_t *of_input = (const int8_t *)layer->input_weights;
    const int8_t *of_hidden = (const int8_t *)layer->recurrent_weights;
    (void)scratch;
    for (int32_t row = 0; row < layer->gates * layer->cells; ++row) {
        const int32_t gate = row / layer->cells;
        int32_t sum = row_sum(of_input, input, layer->inputs, layer->input_bias[row]);
        gates[row] = tz_gate_with(0, sum, layer->input_multipliers[gate], layer->input_shifts[gate]);
        sum = row_sum(of_hidden, hidden, layer->cells, layer->recurrent_bias[row]);
        gates[row] = tz_gate_with(gates[row], sum, layer->recurrent_multipliers[gate], layer->recurrent_shifts[gate]);
        of_input += layer->inputs;
        of_hidden += layer->cells;
    }
}

#include "../internal/lstm_steps.inc"

void tz_lstm_s8(const tz_lstm_s8_t *layer, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                int8_t *output, int8_t *new_hidden, int16_t *new_cell, void *scratch)
{
    run_steps(layer, input, hidden, cell, output, new_hidden, new_cell, (int16_t *)scratch, 0);
}
