/* Any core, in projects whose variant of tz_fully_connected_s8 does not support all weights. */
#include "plain_rows.h"

void tz_fully_connected_s8_any(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    plain_rows_s8(layer, input, output);
}
