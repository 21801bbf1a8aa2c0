/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors, inputs of which many are -128: see
 * textzoo/sparse_columns.h. Only the way from sums to outputs is this variant's own. */
#include "textzoo/sparse_columns.h"

#include "finish_row.h"

void tz_fully_connected_s8_sparse(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                  void *scratch)
{
    const uint8_t *block = layer->weights;
    const uint32_t *const end = tz_sparse_entries(input, layer->columns, scratch);
    for (int32_t row = 0; row < layer->rows; row += TZ_SPARSE_ROWS, block += TZ_SPARSE_ROWS * layer->columns) {
        int32_t sums[TZ_SPARSE_ROWS] = {0};
        tz_sparse_sums(block, scratch, end, sums);
        finish_rows(layer, row, TZ_SPARSE_ROWS, sums, 0, output);
    }
}
