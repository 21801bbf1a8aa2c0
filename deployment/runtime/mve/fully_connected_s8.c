/* Cortex-M55 with the vector extension for integers (Helium): see tiles_s8.inc; everything else: row_tiles.inc. */
enum { BLOCK = 7, TILE = 18 * BLOCK, NEEDS_SUM = 0 };

#include "row_tiles.inc"

#include "tiles_s8.inc"

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
