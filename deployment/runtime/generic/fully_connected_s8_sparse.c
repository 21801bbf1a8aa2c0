/* Any core, inputs of which many are -128: see textzoo/sparse_columns.h. */
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"
#include "textzoo/sparse_columns.h"

/* Rows from `row` on, at most TZ_SPARSE_ROWS. sums: (TZ_SPARSE_ROWS) without the bias */
static void finish_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *sums, int8_t *output)
{
    const int32_t end = row + TZ_SPARSE_ROWS < layer->rows ? row + TZ_SPARSE_ROWS : layer->rows;
    for (; row < end; ++row) {
        const int32_t sum = *sums++ + layer->bias[row];
        const int32_t scaled = tz_scale_single(sum, layer->multipliers[row], layer->shifts[row]);
        output[row] = (int8_t)tz_clamp(scaled + layer->output_zero_point, layer->minimum, layer->maximum);
    }
}

void tz_fully_connected_s8_sparse(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                  void *scratch)
{
    const uint8_t *block = layer->weights;
    const uint32_t *const end = tz_sparse_entries(input, layer->columns, scratch);
    for (int32_t row = 0; row < layer->rows; row += TZ_SPARSE_ROWS, block += TZ_SPARSE_ROWS * layer->columns) {
        int32_t sums[TZ_SPARSE_ROWS] = {0};
        tz_sparse_sums(block, scratch, end, sums);
        finish_block(layer, row, sums, output);
    }
}
