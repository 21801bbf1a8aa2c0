/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors, weights in [-1, 1]: see row_lanes.inc.
 *
 * Exact: u lies in [0, 2], x in [-128, 127]. Over 128 columns a sum of u x lies in [128 * 2 * -128, 128 * 2 * 127] =
 * [-2^15, 32512], which is within 16 bits with a sign. */
enum { BITS = 2, OFFSET = 1, SEPARATE = 128 };
#define COLUMNS COLUMNS_2

#include "row_lanes.inc"

void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
