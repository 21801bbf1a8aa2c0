/* DEPTHWISE_CONV_2D, int8 activations and int8 weights, one scale per channel or per tensor. Bit for bit LiteRT's
 * reference:
 *
 *   sum[n]    = bias[n] + sum over taps of input[n / multiplier] * weights[tap][n]       (int32)
 *   output[n] = clamp(tz_scale_double(sum[n], multipliers[n], shifts[n]) + output_zero_point)
 *
 * where multiplier = rows / channels. The input's zero point is folded into the bias, as in fully_connected_s8.h.
 * Outside of the image the input is its zero point. */
#ifndef TEXTZOO_DEPTHWISE_CONV_2D_S8_H
#define TEXTZOO_DEPTHWISE_CONV_2D_S8_H

#include "textzoo/window.h"

typedef struct {
    tz_window_t window;
    const int8_t *weights;      /* (height, width, rows) */
    const int32_t *bias;        /* (rows) */
    const int32_t *multipliers; /* (rows) */
    const int8_t *shifts;       /* (rows) in [-31, 30] */
    int32_t channels;           /* of the input, >= 1 */
    int32_t rows;               /* channels of the output, a multiple of those of the input */
    int32_t input_zero_point;   /* [-128, 127] */
    int32_t output_zero_point;  /* [-128, 127] */
    int32_t minimum;            /* smallest output, [-128, 127]: the fused activation */
    int32_t maximum;            /* largest output, [-128, 127] */
} tz_depthwise_conv_2d_s8_t;

/* input: (input_height, input_width, channels) int8; output: (output_height, output_width, rows) int8, not overlapping;
 * scratch: bytes as scratch_bytes.h says for the variant, 4-byte aligned, contents undefined before and after. */
void tz_depthwise_conv_2d_s8(const tz_depthwise_conv_2d_s8_t *layer, const int8_t *input, int8_t *output,
                             void *scratch);

#endif
