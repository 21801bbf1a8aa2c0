/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors, inputs of which many are -128: see
 * internal/sparse_columns.h. Only the scaling from sums to outputs is specific to this variant. */
#include "../internal/sparse_columns.h"

#include "finish_row.h"

static inline void finish_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *sums, int8_t *output)
{
    finish_rows(layer, row, TZ_SPARSE_ROWS, sums, 0, output);
}

void tz_fully_connected_s8_sparse(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                  void *scratch)
{
    tz_sparse_layer(layer, input, output, scratch, finish_block);
}
