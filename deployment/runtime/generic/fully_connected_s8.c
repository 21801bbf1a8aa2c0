/* Any core: see plain_rows.h. */
#include "plain_rows.h"

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    plain_rows_s8(layer, input, output);
}
