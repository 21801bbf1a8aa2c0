/* Bytes of scratch memory of the kernels of FULLY_CONNECTED, convolutions and LSTMs, by the variant that a project uses:
 * the sizes that the compiler plans, for programs that call kernels themselves. Kernels not listed here need none: their scratch may be a
 * null pointer.
 *
 * rows: outputs of the layer, >= 1; columns: inputs, >= 1. */
#ifndef TEXTZOO_SCRATCH_BYTES_H
#define TEXTZOO_SCRATCH_BYTES_H

#include <stdint.h>

#include "textzoo/window.h"

/* value >= 0 as the next multiple of step >= 1. */
static inline int32_t tz_round_up(int32_t value, int32_t step)
{
    return (value + step - 1) / step * step;
}

static inline int32_t tz_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* ---- generic and mul32 ---- */

/* tz_fully_connected_s8_b3: the tables of sums, the sums of a tile of rows. */
static inline int32_t tz_scratch_bytes_b3(int32_t rows, int32_t columns)
{
    (void)columns;
    return 4 * 243 + 4 * tz_smaller(rows, 512);
}

/* tz_fully_connected_s8_sparse: an entry for each input. */
static inline int32_t tz_scratch_bytes_sparse(int32_t rows, int32_t columns)
{
    (void)rows;
    return 4 * columns;
}

/* tz_lstm_s8: the gates. rows: gates * cells. */
static inline int32_t tz_scratch_bytes_gates(int32_t rows)
{
    return 2 * tz_round_up(rows, 2);
}

/* ---- mul32 ---- */

/* tz_fully_connected_s8: factors of every 4 inputs, three words more for every 16; the sums of a block. */
static inline int32_t tz_scratch_bytes_mul32_s8(int32_t rows, int32_t columns)
{
    (void)rows;
    return 4 * tz_round_up(columns, 4) + 12 * (columns / 16) + 24;
}

/* tz_fully_connected_s8_w4: inputs as int32. */
static inline int32_t tz_scratch_bytes_mul32_w4(int32_t rows, int32_t columns)
{
    (void)rows;
    return 4 * tz_round_up(columns, 4);
}

/* tz_fully_connected_s8_w2: inputs as int32. */
static inline int32_t tz_scratch_bytes_mul32_w2(int32_t rows, int32_t columns)
{
    (void)rows;
    return 4 * tz_round_up(columns, 8);
}

/* ---- cimv3 ---- */

/* tz_fully_connected_s8: four words for every 4 inputs. */
static inline int32_t tz_scratch_bytes_cimv3_s8(int32_t rows, int32_t columns)
{
    (void)rows;
    return 4 * tz_round_up(columns, 4);
}

/* ---- dsp ---- */

/* tz_fully_connected_s8, _w4 and _w2: inputs as int16, two sums of each chunk of 512; the sums of a tile of rows, twice
 * where there are several chunks. */
static inline int32_t tz_scratch_bytes_dsp_s8(int32_t rows, int32_t columns)
{
    const int32_t chunks = (columns + 511) / 512, sums = tz_smaller(tz_round_up(rows, 2), 128);
    return 8 * chunks + 2 * tz_round_up(columns, 8) + 4 * sums * (chunks > 1 ? 2 : 1);
}

/* tz_fully_connected_s16: the sums of a tile of rows, inputs. */
static inline int32_t tz_scratch_bytes_dsp_s16(int32_t rows, int32_t columns)
{
    return 4 * tz_smaller(tz_round_up(rows, 2), 32) + 2 * tz_round_up(columns, 8);
}

/* tz_conv_2d_s8: parameters of every four filters, as for tz_fully_connected_s8, a window.
 * rows: filters; columns: height * width * depth. */
static inline int32_t tz_scratch_bytes_dsp_conv_2d(int32_t rows, int32_t columns)
{
    return 64 * (rows / 4) + tz_scratch_bytes_dsp_s8(rows, columns) + tz_round_up(columns, 4);
}

/* tz_depthwise_conv_2d_s8: parameters of four filters twice, their weights as int16; where windows leave the image, four
 * channels of as many of its rows as the window has. */
static inline int32_t tz_scratch_bytes_dsp_depthwise(const tz_window_t *window)
{
    const int32_t height =
        (window->output_height - 1) * window->stride_height + (window->height - 1) * window->dilation_height + 1;
    const int32_t width =
        (window->output_width - 1) * window->stride_width + (window->width - 1) * window->dilation_width + 1;
    const int leaves =
        window->top > 0 || window->left > 0 || height > window->input_height || width > window->input_width;
    return 128 + 8 * window->height * window->width + (leaves ? 4 * window->height * width : 0);
}

/* tz_lstm_s8: the gates, as for tz_fully_connected_s8 of the larger matrix. rows: gates * cells; columns: the larger of
 * inputs and cells. */
static inline int32_t tz_scratch_bytes_dsp_lstm(int32_t rows, int32_t columns)
{
    return tz_scratch_bytes_gates(rows) + tz_scratch_bytes_dsp_s8(rows, columns);
}

/* ---- mve ---- */

/* tz_fully_connected_s8 (joined: 1), _w4 (2) and _w2 (4): inputs that do not fill vectors, the sums of a tile of rows.
 * joined: rows that share a byte of weights. */
static inline int32_t tz_scratch_bytes_mve_s8(int32_t rows, int32_t columns, int32_t joined)
{
    const int32_t inputs = columns % 16 == 0 ? 0 : tz_round_up(columns, 16);
    return 4 * tz_smaller(tz_round_up(rows, joined), 132) + inputs;
}

/* tz_fully_connected_s16: the sums of a tile of rows, inputs that do not fill vectors. */
static inline int32_t tz_scratch_bytes_mve_s16(int32_t rows, int32_t columns)
{
    const int32_t inputs = columns % 8 == 0 ? 0 : tz_round_up(columns, 8);
    return 4 * tz_smaller(rows, 34) + 2 * inputs;
}

/* tz_conv_2d_s8: the sums of a tile of rows, a window. */
static inline int32_t tz_scratch_bytes_mve_conv_2d(int32_t rows, int32_t columns)
{
    return 4 * tz_round_up(tz_smaller(rows, 132), 4) + tz_round_up(columns, 16);
}

/* tz_lstm_s8: the gates, the sums of a tile of rows, a vector. rows: gates * cells; columns: the larger of inputs and
 * cells. */
static inline int32_t tz_scratch_bytes_mve_lstm(int32_t rows, int32_t columns)
{
    return tz_round_up(2 * rows, 16) + tz_scratch_bytes_mve_conv_2d(rows, columns);
}

/* ---- host ---- */

/* tz_fully_connected_s8: inputs, as many bytes again. */
static inline int32_t tz_scratch_bytes_host_s8(int32_t rows, int32_t columns)
{
    (void)rows;
    return 2 * tz_round_up(columns, 32);
}

/* tz_fully_connected_s8_w4 and _w2: inputs. */
static inline int32_t tz_scratch_bytes_host_packed(int32_t rows, int32_t columns)
{
    (void)rows;
    return tz_round_up(columns, 32);
}

/* tz_fully_connected_s16: the sums of a block of rows. */
static inline int32_t tz_scratch_bytes_host_s16(int32_t rows, int32_t columns)
{
    (void)columns;
    return 4 * tz_smaller(rows, 64);
}

/* ---- neon ---- */

/* tz_fully_connected_s8: inputs. */
static inline int32_t tz_scratch_bytes_neon_s8(int32_t rows, int32_t columns)
{
    (void)rows;
    return tz_round_up(columns, 16);
}

/* tz_fully_connected_s8_sparse: up to three entries for each input. */
static inline int32_t tz_scratch_bytes_neon_sparse(int32_t rows, int32_t columns)
{
    (void)rows;
    return 4 * 3 * columns;
}

/* ---- wasm ---- */

/* tz_fully_connected_s8: inputs as int16. */
static inline int32_t tz_scratch_bytes_wasm_s8(int32_t rows, int32_t columns)
{
    (void)rows;
    return 2 * tz_round_up(columns, 2);
}

#endif
