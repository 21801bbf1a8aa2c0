/* Cortex-M cores with the DSP extension (M4, M7, M33), weights in [-127, 127]: see pairs_s8.inc. */
enum { NEEDS_PRODUCTS = 1, NEEDS_SUMS = 0 };

#include "row_pairs.inc"

#include "pairs_s8.inc"

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
