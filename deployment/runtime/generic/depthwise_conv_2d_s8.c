/* Any core, channel by channel. No scratch. */
#include "../internal/plain_channel.h"

void tz_depthwise_conv_2d_s8(const tz_depthwise_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    plain_channels(layer, 0, layer->rows, input, output);
}
