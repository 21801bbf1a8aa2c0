/* Cortex-M55 with the vector extension for integers (Helium), no groups: the window at each position as a vector, times the
 * filters as the rows of a matrix, by the loops of tiles_s8.inc.
 *
 * Weights: (rows, height * width * depth) as in tiles_s8.inc. Scratch: the sums of a tile (int32, filled up to 16 bytes),
 * then a window, filled up to 16 bytes. */
#include <arm_mve.h>

enum { BLOCK = 7, TILE = 18 * BLOCK, NEEDS_SUM = 0 };

#include "tile_sums.inc"

#include "tiles_s8.inc"

#include "../internal/filter_output.h"
#include "textzoo/conv_2d_s8.h"

/* Four filters at a time, where all shifts are below 0. VQRDMULH is tz_high_multiply; VRSHL by a negative shift rounds
 * halves up, so that 1 taken off negative values makes it tz_divide_by_power. */
static void finish_lanes(const tz_conv_2d_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums, int8_t *output)
{
    for (int32_t left = rows; left > 0; left -= 4, row += 4, sums += 4) {
        const mve_pred16_t some = vctp32q((uint32_t)left);
        const int32x4_t multipliers = vldrwq_z_s32(layer->multipliers + row, some);
        const int32x4_t product = vqrdmulhq_s32(vldrwq_z_s32(sums, some), multipliers);
        const int32x4_t adjusted = vaddq_s32(product, vshrq_n_s32(product, 31));
        const int32x4_t scaled = vrshlq_s32(adjusted, vldrbq_z_s32(layer->shifts + row, some));
        const int32x4_t value = vaddq_n_s32(scaled, layer->output_zero_point);
        const int32x4_t least = vmaxq_s32(value, vdupq_n_s32(layer->minimum));
        vstrbq_p_s32(output + row, vminq_s32(least, vdupq_n_s32(layer->maximum)), some);
    }
}

/* Any shifts. */
static void finish_rows(const tz_conv_2d_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums, int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = TZ_FILTER_OUTPUT_S8(layer, row, *sums++);
    }
}

/* ------------------------------------------------------------------------------------------------------- windows */

static int8_t *fill(int8_t *bytes, int32_t count, int32_t value)
{
    int8_t *const end = bytes + count;
    for (; count > 0; count -= GROUP, bytes += GROUP) {
        vstrbq_p_s8(bytes, vdupq_n_s8((int8_t)value), vctp8q((uint32_t)count));
    }
    return end;
}

static int8_t *copy(int8_t *to, const int8_t *from, int32_t count)
{
    int8_t *const end = to + count;
    for (; count > 0; count -= GROUP, to += GROUP, from += GROUP) {
        const mve_pred16_t some = vctp8q((uint32_t)count);
        vstrbq_p_s8(to, vldrbq_z_s8(from, some), some);
    }
    return end;
}

/* A row of the window, (width, channels); image_row: the image's, from its column `start` on, of which the taps `inside`
 * are in the image. */
static int8_t *gather_row(const tz_conv_2d_s8_t *layer, const int8_t *image_row, tz_taps_t inside, int8_t *to)
{
    const int32_t channels = layer->channels, step = layer->window.dilation_width * channels;
    to = fill(to, inside.first * channels, layer->input_zero_point);
    if (step == channels) {
        to = copy(to, image_row + inside.first * channels, (inside.end - inside.first) * channels);
    } else {
        for (int32_t tap = inside.first; tap < inside.end; ++tap) {
            to = copy(to, image_row + tap * step, channels);
        }
    }
    return fill(to, (layer->window.width - inside.end) * channels, layer->input_zero_point);
}

/* The window whose first tap is at (y, x), as (height, width, channels). */
static void gather(const tz_conv_2d_s8_t *layer, const int8_t *input, int32_t y, int32_t x, int8_t *to)
{
    const tz_window_t *window = &layer->window;
    tz_taps_t inside = tz_taps_inside(x, window->width, window->dilation_width, window->input_width);
    if (inside.end < inside.first) {
        inside = (tz_taps_t){0, 0};
    }
    for (int32_t tap = 0; tap < window->height; ++tap, y += window->dilation_height) {
        if (y < 0 || y >= window->input_height) {
            to = fill(to, window->width * layer->channels, layer->input_zero_point);
        } else {
            to = gather_row(layer, input + (y * window->input_width + x) * layer->channels, inside, to);
        }
    }
}

/* ------------------------------------------------------------------------------------------------------- filters */

/* All filters at one position. */
static void filter_position(const tz_conv_2d_s8_t *layer, const tz_tile_inputs_t *inputs, int lanes, int32_t *sums,
                            int8_t *output)
{
    const int8_t *weights = (const int8_t *)layer->weights;
    int32_t rows;
    for (int32_t row = 0; row < layer->rows; row += rows) {
        rows = layer->rows - row < TILE + BLOCK ? layer->rows - row : TILE;
        weights = dot_tile(weights, inputs, layer->bias + row, rows, sums);
        if (lanes) {
            finish_lanes(layer, row, rows, sums, output);
        } else {
            finish_rows(layer, row, rows, sums, output);
        }
    }
}

void tz_conv_2d_s8(const tz_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const tz_window_t *window = &layer->window;
    const int32_t columns = window->height * window->width * layer->channels;
    const int32_t groups = (columns + GROUP - 1) / GROUP;
    const int32_t most = layer->rows < TILE + BLOCK ? layer->rows : TILE + BLOCK - 1;
    const int lanes = largest_of(layer->shifts, layer->rows) < 0;
    int32_t *const sums = (int32_t *)scratch;
    int8_t *const gathered = (int8_t *)(sums + ((most + 3) & ~3));
    /* A window of one tap, which padding never moves out of the image, is a vector where it is, if it fills vectors. */
    const int is_one = window->height == 1 && window->width == 1, is_in_place = is_one && columns % GROUP == 0;
    tz_tile_inputs_t inputs = {gathered, groups, 0};
    fill(gathered + columns, groups * GROUP - columns, 0);
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        const int32_t y = out_y * window->stride_height - window->top;
        for (int32_t out_x = 0; out_x < window->output_width; ++out_x, output += layer->rows) {
            const int32_t x = out_x * window->stride_width - window->left;
            if (is_in_place) {
                inputs.values = input + (y * window->input_width + x) * columns;
            } else {
                gather(layer, input, y, x, gathered);
            }
            filter_position(layer, &inputs, lanes, sums, output);
        }
    }
}
