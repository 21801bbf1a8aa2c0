/* Cortex-M cores with the DSP extension (M4, M7, M33), weights in [-127, 127]: products by the loops of pairs_s8.inc.
 *
 * Weights: as in pair_sums.inc and pairs_s8.inc. Scratch: the gates (int16, an even number of them), then that of
 * pair_sums.inc for the larger of the two matrices. */
enum { NEEDS_PRODUCTS = 1, NEEDS_SUMS = 0 };

#include "pair_sums.inc"

#include "pairs_s8.inc"

#include "../internal/lstm_cells.h"

typedef int32_t tz_gate_weights_t;

/* A matrix of all gates. */
typedef struct {
    const tz_gate_weights_t *weights;
    const int32_t *bias;
    const int32_t *multipliers, *shifts; /* (gates) */
    int32_t columns;
} tz_gate_matrix_t;

/* Add some rows' scaled sums to their gates; sums: (rows) without the bias. */
static void add_sums(const tz_gate_matrix_t *matrix, int32_t cells, int32_t row, int32_t rows, const int32_t *sums,
                     int16_t *gates)
{
    for (const int32_t end = row + rows; row < end;) {
        const int32_t gate = row / cells, last = smaller((gate + 1) * cells, end);
        const int32_t multiplier = matrix->multipliers[gate], shift = matrix->shifts[gate];
        for (; row < last; ++row) {
            gates[row] = tz_gate_with(gates[row], matrix->bias[row] + *sums++, multiplier, shift);
        }
    }
}

/* Add the products with a vector, (columns), to the gates. */
static void add_products(const tz_lstm_s8_t *layer, const tz_gate_matrix_t *matrix, const int8_t *vector,
                         int16_t *gates, int32_t *inputs)
{
    const int32_t all = layer->gates * layer->cells, columns = matrix->columns;
    const int32_t *weights = matrix->weights;
    int32_t *const sums = widen(vector, columns, inputs), *const totals = sums + smaller((all + 1) & ~1, TILE);
    for (int32_t row = 0; row < all; row += TILE) {
        const int32_t rows = smaller(all - row, TILE);
        if (columns > CHUNK) {
            weights = sum_chunks(weights, inputs, columns, rows, sums, totals);
        } else {
            weights = dot_tile(weights, inputs, groups_of(columns), rows, sums);
        }
        add_sums(matrix, layer->cells, row, rows, columns > CHUNK ? totals : sums, gates);
    }
}

#include "../internal/lstm_gates.inc"

#include "../internal/lstm_steps.inc"

void tz_lstm_s8(const tz_lstm_s8_t *layer, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                int8_t *output, int8_t *new_hidden, int16_t *new_cell, void *scratch)
{
    int16_t *const gates = (int16_t *)scratch;
    int16_t *const rest = gates + ((layer->gates * layer->cells + 1) & ~1);
    run_steps(layer, input, hidden, cell, output, new_hidden, new_cell, gates, rest);
}
