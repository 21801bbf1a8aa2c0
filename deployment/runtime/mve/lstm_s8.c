/* Cortex-M55 with the vector extension for integers (Helium): products by the loops of tiles_s8.inc.
 *
 * Weights: as in tiles_s8.inc. Scratch: the gates (int16, filled up to 16 bytes), the sums of a tile (int32, filled up to
 * 16 bytes), then a vector, filled up to 16 bytes. */
enum { BLOCK = 7, TILE = 18 * BLOCK, NEEDS_SUM = 0 };

#define NO_SHIFTS /* of rows: gates have their own */
#include "tile_sums.inc"

#include "tiles_s8.inc"

#include "../internal/lstm_cells.h"

typedef int8_t tz_gate_weights_t;

/* A matrix of all gates. */
typedef struct {
    const tz_gate_weights_t *weights;
    const int32_t *bias;
    const int32_t *multipliers, *shifts; /* (gates) */
    int32_t columns;
} tz_gate_matrix_t;

/* Add some rows' scaled sums to their gates; sums: (rows) with the bias. */
static void add_sums(const tz_gate_matrix_t *matrix, int32_t cells, int32_t row, int32_t rows, const int32_t *sums,
                     int16_t *gates)
{
    for (const int32_t end = row + rows; row < end;) {
        const int32_t gate = row / cells, behind = (gate + 1) * cells, last = behind < end ? behind : end;
        const int32_t multiplier = matrix->multipliers[gate], shift = matrix->shifts[gate];
        for (; row < last; ++row) {
            gates[row] = tz_gate_with(gates[row], *sums++, multiplier, shift);
        }
    }
}

/* Add the products with a vector, (columns), to the gates. */
static void add_products(const tz_lstm_s8_t *layer, const tz_gate_matrix_t *matrix, const int8_t *vector,
                         int16_t *gates, int32_t *sums)
{
    const int32_t all = layer->gates * layer->cells, groups = (matrix->columns + GROUP - 1) / GROUP;
    const int32_t most = all < TILE + BLOCK ? all : TILE + BLOCK - 1;
    int8_t *const filled = (int8_t *)(sums + ((most + 3) & ~3));
    const tz_tile_inputs_t inputs = {filled, groups, 0};
    const int8_t *weights = matrix->weights;
    int32_t rows;
    memcpy(filled, vector, (size_t)matrix->columns);
    memset(filled + matrix->columns, 0, (size_t)(groups * GROUP - matrix->columns));
    for (int32_t row = 0; row < all; row += rows) {
        rows = all - row < TILE + BLOCK ? all - row : TILE;
        weights = dot_tile(weights, &inputs, matrix->bias + row, rows, sums);
        add_sums(matrix, layer->cells, row, rows, sums, gates);
    }
}

#include "../internal/lstm_gates.inc"

#include "../internal/lstm_steps.inc"

void tz_lstm_s8(const tz_lstm_s8_t *layer, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                int8_t *output, int8_t *new_hidden, int16_t *new_cell, void *scratch)
{
    int16_t *const gates = (int16_t *)scratch;
    int16_t *const rest = gates + ((layer->gates * layer->cells + 7) & ~7);
    run_steps(layer, input, hidden, cell, output, new_hidden, new_cell, gates, rest);
}
