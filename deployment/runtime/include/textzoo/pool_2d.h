/* AVERAGE_POOL_2D and MAX_POOL_2D: of each channel the average, or the largest value, of what a window holds. Taps outside
 * of the image do not count; at least one is inside. Bit for bit LiteRT's reference:
 *
 *   average: the sum divided by the number of taps, rounded half away from zero, on the stored integers */
#ifndef TEXTZOO_POOL_2D_H
#define TEXTZOO_POOL_2D_H

#include "textzoo/window.h"

typedef struct {
    tz_window_t window; /* dilations are 1 */
    int32_t channels;   /* of input and output, >= 1 */
    int32_t minimum;    /* smallest output: the fused activation */
    int32_t maximum;    /* largest output */
} tz_pool_2d_t;

/* input: (input_height, input_width, channels); output: (output_height, output_width, channels), not overlapping. */
void tz_average_pool_2d_s8(const tz_pool_2d_t *pool, const int8_t *input, int8_t *output);
void tz_average_pool_2d_s16(const tz_pool_2d_t *pool, const int16_t *input, int16_t *output);
void tz_max_pool_2d_s8(const tz_pool_2d_t *pool, const int8_t *input, int8_t *output);
void tz_max_pool_2d_s16(const tz_pool_2d_t *pool, const int16_t *input, int16_t *output);

#endif
