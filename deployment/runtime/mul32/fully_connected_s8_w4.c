/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors, weights in [-8, 7]: see row_lanes.inc.
 *
 * Exact: u lies in [0, 15], x in [-128, 127]. Over 16 columns a sum of u x lies in [16 * 15 * -128, 16 * 15 * 127] =
 * [-30720, 30480], which is within 16 bits with a sign. */
enum { BITS = 4, OFFSET = 8, SEPARATE = 16 };
#define COLUMNS COLUMNS_4

#include "row_lanes.inc"

void tz_fully_connected_s8_w4(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
