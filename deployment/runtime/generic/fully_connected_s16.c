/* Any core: see plain_rows.h. */
#include "plain_rows.h"

void tz_fully_connected_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output, void *scratch)
{
    (void)scratch;
    plain_rows_s16(layer, input, output);
}
