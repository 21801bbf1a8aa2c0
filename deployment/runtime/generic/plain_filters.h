/* CONV_2D on any core, with any weights of 8 bits and any groups, filter by filter: (rows, height, width, depth). No
 * scratch. */
#ifndef TEXTZOO_PLAIN_FILTERS_H
#define TEXTZOO_PLAIN_FILTERS_H

#include "../internal/filter_output.h"
#include "textzoo/conv_2d_s8.h"

/* What the taps of a filter add in one row of the window, whose first tap is at the column `start` of the image.
 * image_row: the image's row that the taps lie in, from the filter's first channel on; a null pointer where it is
 * outside. weights: (width, depth). */
static inline int32_t plain_filter_row(const tz_conv_2d_s8_t *layer, const int8_t *image_row, int32_t start,
                                       const int8_t *weights)
{
    int32_t sum = 0;
    for (int32_t x = 0; x < layer->window.width; ++x) {
        const int32_t column = start + x * layer->window.dilation_width;
        const int is_inside = image_row && column >= 0 && column < layer->window.input_width;
        for (int32_t channel = 0; channel < layer->depth; ++channel) {
            const int32_t value = is_inside ? image_row[column * layer->channels + channel] : layer->input_zero_point;
            sum += value * *weights++;
        }
    }
    return sum;
}

/* The output of a filter at one position, whose first tap is at (y, x). */
static inline int8_t plain_filter(const tz_conv_2d_s8_t *layer, int32_t row, int32_t y, int32_t x, const int8_t *input)
{
    const tz_window_t *window = &layer->window;
    const int32_t filters_per_group = layer->rows / (layer->channels / layer->depth);
    const int8_t *weights = (const int8_t *)layer->weights + row * window->height * window->width * layer->depth;
    int32_t sum = layer->bias[row];
    for (int32_t tap = 0; tap < window->height; ++tap, y += window->dilation_height) {
        const int8_t *image_row = 0;
        if (y >= 0 && y < window->input_height) {
            image_row = input + y * window->input_width * layer->channels + row / filters_per_group * layer->depth;
        }
        sum += plain_filter_row(layer, image_row, x, weights);
        weights += window->width * layer->depth;
    }
    return TZ_FILTER_OUTPUT_S8(layer, row, sum);
}

static inline void plain_filters_s8(const tz_conv_2d_s8_t *layer, const int8_t *input, int8_t *output)
{
    const tz_window_t *window = &layer->window;
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < window->output_width; ++out_x) {
            for (int32_t row = 0; row < layer->rows; ++row) {
                *output++ = plain_filter(layer, row, out_y * window->stride_height - window->top,
                                         out_x * window->stride_width - window->left, input);
            }
        }
    }
}

#endif
