/* Any core, channel by channel. No scratch. */
#include "../internal/filter_output.h"
#include "textzoo/depthwise_conv_2d_s8.h"

/* The output of one channel at one position, whose first tap is at (y, x). */
static int8_t channel_output(const tz_depthwise_conv_2d_s8_t *layer, int32_t row, int32_t y, int32_t x,
                             const int8_t *input)
{
    const tz_window_t *window = &layer->window;
    const int8_t *weights = layer->weights + row;
    const int8_t *channel = input + row / (layer->rows / layer->channels);
    int32_t sum = layer->bias[row];
    for (int32_t tap_y = 0; tap_y < window->height; ++tap_y) {
        const int32_t image_y = y + tap_y * window->dilation_height;
        for (int32_t tap_x = 0; tap_x < window->width; ++tap_x, weights += layer->rows) {
            const int32_t image_x = x + tap_x * window->dilation_width;
            const int is_inside =
                image_y >= 0 && image_y < window->input_height && image_x >= 0 && image_x < window->input_width;
            const int32_t position = image_y * window->input_width + image_x;
            sum += (is_inside ? channel[position * layer->channels] : layer->input_zero_point) * *weights;
        }
    }
    return TZ_FILTER_OUTPUT_S8(layer, row, sum);
}

void tz_depthwise_conv_2d_s8(const tz_depthwise_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const tz_window_t *window = &layer->window;
    (void)scratch;
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < window->output_width; ++out_x) {
            for (int32_t row = 0; row < layer->rows; ++row) {
                *output++ = channel_output(layer, row, out_y * window->stride_height - window->top,
                                           out_x * window->stride_width - window->left, input);
            }
        }
    }
}
