/* How a window slides over an image: convolutions and pooling. An image is (height, width, channels). */
#ifndef TEXTZOO_WINDOW_H
#define TEXTZOO_WINDOW_H

#include <stdint.h>

/* The tap (y, x) of the window for the output (out_y, out_x) is the input's position
 * (out_y * stride_height - top + y * dilation_height, out_x * stride_width - left + x * dilation_width), which may lie
 * outside of the image. All sizes, strides and dilations are >= 1, and no position leaves 30 bits. */
typedef struct {
    int32_t input_height, input_width;
    int32_t output_height, output_width;
    int32_t height, width; /* of the window, in taps */
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t top, left; /* positions before the image, >= 0 */
} tz_window_t;

/* The taps of one axis that lie inside of the image: from `first` to before `end`; end <= first where none does. */
typedef struct {
    int32_t first, end;
} tz_taps_t;

/* start: position of the first tap; taps, dilation, size: of the window and of the image along the axis. */
static inline tz_taps_t tz_taps_inside(int32_t start, int32_t taps, int32_t dilation, int32_t size)
{
    tz_taps_t inside = {start < 0 ? (-start + dilation - 1) / dilation : 0, taps};
    const int32_t reached = size > start ? (size - start + dilation - 1) / dilation : 0;
    if (inside.end > reached) {
        inside.end = reached;
    }
    return inside;
}

#endif
