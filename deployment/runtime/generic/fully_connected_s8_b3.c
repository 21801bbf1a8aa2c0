/* Any core, weights in [-1, 1], five in a byte: see internal/base3_sums.h. */
#include "../internal/base3_sums.h"
#include "../internal/row_output.h"

void tz_fully_connected_s8_b3(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const uint8_t *weights = (const uint8_t *)layer->weights;
    for (int32_t first = 0; first < layer->rows; first += TZ_BASE3_TILE) {
        const int32_t rows = layer->rows - first < TZ_BASE3_TILE ? layer->rows - first : TZ_BASE3_TILE;
        const int32_t *const sums = tz_base3_sums(layer, &weights, input, rows, scratch);
        for (int32_t row = first; row < first + rows; ++row) {
            output[row] = tz_row_output_s8(layer, row, sums[row - first] + layer->bias[row]);
        }
    }
}
