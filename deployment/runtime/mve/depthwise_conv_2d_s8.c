/* Cortex-M55 with the vector extension for integers (Helium), eight channels at a time, where every channel of the input has
 * one of the output and all shifts are below 0; others one by one.
 *
 * Weights: (height, width, rows). No scratch. */
#include <arm_mve.h>

#include "../internal/plain_channel.h"

enum { LANES = 8 };

/* The sums of eight channels: of the even and of the odd ones. */
typedef struct {
    int32x4_t even, odd;
} tz_eight_sums_t;

/* The outputs of every second of eight channels; first: the first of them. */
static inline int32x4_t outputs_of(const tz_depthwise_conv_2d_s8_t *layer, int32_t first, int32x4_t sums,
                                   mve_pred16_t some)
{
    const uint32x4_t lanes = vidupq_n_u32(0, 2);
    const int32x4_t multipliers = vldrwq_gather_shifted_offset_z_s32(layer->multipliers + first, lanes, some);
    const int32x4_t shifts = vldrbq_gather_offset_z_s32(layer->shifts + first, lanes, some);
    /* VQRDMULH is tz_high_multiply; VRSHL by a negative shift rounds halves up, so that 1 taken off negative values makes
     * it tz_divide_by_power. */
    const int32x4_t product = vqrdmulhq_s32(sums, multipliers);
    const int32x4_t scaled = vrshlq_s32(vaddq_s32(product, vshrq_n_s32(product, 31)), shifts);
    const int32x4_t value = vaddq_n_s32(scaled, layer->output_zero_point);
    return vminq_s32(vmaxq_s32(value, vdupq_n_s32(layer->minimum)), vdupq_n_s32(layer->maximum));
}

/* One tap; input, weights: eight channels as int16. */
static inline tz_eight_sums_t add_tap(tz_eight_sums_t sums, int16x8_t input, int16x8_t weights)
{
    sums.even = vaddq_s32(sums.even, vmullbq_int_s16(input, weights));
    sums.odd = vaddq_s32(sums.odd, vmulltq_int_s16(input, weights));
    return sums;
}

/* Up to eight channels from `first` on at one position, whose first tap is at (y, x). */
static inline void filter_eight(const tz_depthwise_conv_2d_s8_t *layer, int32_t first, int32_t y, int32_t x,
                                const int8_t *input, int8_t *output)
{
    const tz_window_t *window = &layer->window;
    const uint32_t count = (uint32_t)(layer->rows - first);
    const mve_pred16_t some = vctp16q(count), even = vctp32q((count + 1) / 2), odd = vctp32q(count / 2);
    const uint32x4_t lanes = vidupq_n_u32(0, 2);
    const int16x8_t zero_points = vdupq_n_s16((int16_t)layer->input_zero_point);
    const int8_t *weights = layer->weights + first;
    tz_eight_sums_t sums = {vldrwq_gather_shifted_offset_z_s32(layer->bias + first, lanes, even),
                            vldrwq_gather_shifted_offset_z_s32(layer->bias + first + 1, lanes, odd)};
    for (int32_t row = 0; row < window->height; ++row, y += window->dilation_height) {
        const int is_row_inside = y >= 0 && y < window->input_height;
        int32_t column = x;
        for (int32_t tap = 0; tap < window->width; ++tap, column += window->dilation_width, weights += layer->rows) {
            int16x8_t values = zero_points;
            if (is_row_inside && column >= 0 && column < window->input_width) {
                values = vldrbq_z_s16(input + (y * window->input_width + column) * layer->rows + first, some);
            }
            sums = add_tap(sums, values, vldrbq_z_s16(weights, some));
        }
    }
    vstrbq_scatter_offset_p_s32(output + first, lanes, outputs_of(layer, first, sums.even, even), even);
    vstrbq_scatter_offset_p_s32(output + first + 1, lanes, outputs_of(layer, first + 1, sums.odd, odd), odd);
}

static int are_below_zero(const int8_t *shifts, int32_t count)
{
    for (int32_t index = 0; index < count; ++index) {
        if (shifts[index] >= 0) {
            return 0;
        }
    }
    return 1;
}

void tz_depthwise_conv_2d_s8(const tz_depthwise_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const tz_window_t *window = &layer->window;
    (void)scratch;
    if (layer->rows != layer->channels || !are_below_zero(layer->shifts, layer->rows)) {
        plain_channels(layer, 0, layer->rows, input, output);
        return;
    }
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < window->output_width; ++out_x, output += layer->rows) {
            for (int32_t first = 0; first < layer->rows; first += LANES) {
                filter_eight(layer, first, out_y * window->stride_height - window->top,
                             out_x * window->stride_width - window->left, input, output);
            }
        }
    }
}
