/* Any core, in projects whose variant of tz_fully_connected_s16 does not support all weights. */
#include "plain_rows.h"

void tz_fully_connected_s16_any(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output,
                                void *scratch)
{
    (void)scratch;
    plain_rows_s16(layer, input, output);
}
