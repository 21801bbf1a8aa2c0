/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors, weights in [-1, 1], five in a byte: see
 * internal/base3_sums.h. Only the scaling from sums to outputs is specific to this variant. */
#include "../internal/base3_sums.h"

#include "finish_row.h"

void tz_fully_connected_s8_b3(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const uint8_t *weights = (const uint8_t *)layer->weights;
    for (int32_t first = 0; first < layer->rows; first += TZ_BASE3_TILE) {
        const int32_t rows = layer->rows - first < TZ_BASE3_TILE ? layer->rows - first : TZ_BASE3_TILE;
        finish_rows(layer, first, rows, tz_base3_sums(layer, &weights, input, rows, scratch), 0, output);
    }
}
