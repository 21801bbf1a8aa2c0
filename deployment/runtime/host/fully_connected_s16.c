/* PCs: the rows as in dot_rows_s8.h, which has an AVX2 kernel and takes any int16 whose sums fit int32, partial sums
 * included: that they do is this kernel's contract.
 *
 * Weights row by row: int8 (rows, columns). Scratch: the sums of a tile of rows (int32). */
#include "textzoo/fully_connected_s16.h"

#include "textzoo/dot_rows_s8.h"
#include "textzoo/fixedpoint.h"

enum { TILE = 64 /* rows */ };

static void requantize(const tz_fully_connected_s16_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                       int16_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        const int32_t sum = (int32_t)((uint32_t)*sums++ + (uint32_t)layer->bias[row]);
        const int32_t scaled =
            tz_scale_precise_short(sum, layer->multipliers[row], layer->low_multipliers[row], layer->shifts[row]);
        output[row] = (int16_t)tz_clamp(scaled, layer->minimum, layer->maximum);
    }
}

void tz_fully_connected_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output, void *scratch)
{
    const int8_t *weights = layer->weights;
    for (int32_t row = 0; row < layer->rows; row += TILE, weights += TILE * layer->columns) {
        const int32_t rows = layer->rows - row < TILE ? layer->rows - row : TILE;
        tz_dot_rows_s8(weights, rows, layer->columns, input, scratch);
        requantize(layer, row, rows, scratch, output);
    }
}
