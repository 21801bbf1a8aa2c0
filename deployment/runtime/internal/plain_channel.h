/* DEPTHWISE_CONV_2D of one channel in plain C: all of them for any core, and for variants those that do not fill vectors. */
#ifndef TEXTZOO_PLAIN_CHANNEL_H
#define TEXTZOO_PLAIN_CHANNEL_H

#include "filter_output.h"
#include "textzoo/depthwise_conv_2d_s8.h"

/* The output of one channel at one position, whose first tap is at (y, x). */
static inline int8_t plain_channel(const tz_depthwise_conv_2d_s8_t *layer, int32_t row, int32_t y, int32_t x,
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

/* Channels of the output from `first` to before `end`, at all positions. */
static inline void plain_channels(const tz_depthwise_conv_2d_s8_t *layer, int32_t first, int32_t end,
                                  const int8_t *input, int8_t *output)
{
    const tz_window_t *window = &layer->window;
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < window->output_width; ++out_x, output += layer->rows) {
            for (int32_t row = first; row < end; ++row) {
                output[row] = plain_channel(layer, row, out_y * window->stride_height - window->top,
                                            out_x * window->stride_width - window->left, input);
            }
        }
    }
}

#endif
