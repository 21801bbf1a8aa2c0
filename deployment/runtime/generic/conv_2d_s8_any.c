/* Any core, in projects whose variant of tz_conv_2d_s8 does not support all weights: see plain_filters.h. */
#include "plain_filters.h"

void tz_conv_2d_s8_any(const tz_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    plain_filters_s8(layer, input, output);
}
