/* Any core, inputs of which many are -128: see internal/sparse_columns.h. */
#include "../internal/row_output.h"
#include "../internal/sparse_columns.h"

static inline void finish_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *sums, int8_t *output)
{
    const int32_t end = row + TZ_SPARSE_ROWS < layer->rows ? row + TZ_SPARSE_ROWS : layer->rows;
    for (; row < end; ++row) {
        output[row] = tz_row_output_s8(layer, row, *sums++ + layer->bias[row]);
    }
}

void tz_fully_connected_s8_sparse(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                  void *scratch)
{
    tz_sparse_layer(layer, input, output, scratch, finish_block);
}
