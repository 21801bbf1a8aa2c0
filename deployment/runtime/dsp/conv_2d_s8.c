/* Cortex-M cores with the DSP extension (M4, M7, M33), weights in [-127, 127], no groups: the window at each position as
 * a vector, times the filters as the rows of a matrix, by the loops of pairs_s8.inc.
 *
 * Weights: (rows, height * width * depth) as in pair_sums.inc and pairs_s8.inc.
 * Scratch: 64 bytes for every four filters (filter_fours.inc), the scratch of pair_sums.inc, then a window of int8. */
enum { NEEDS_PRODUCTS = 1, NEEDS_SUMS = 0 };

#include "pair_sums.inc"

#include "pairs_s8.inc"

#include "filter_fours.inc"

#include "../internal/filter_output.h"
#include "textzoo/conv_2d_s8.h"

/* ---------------------------------------------------------------------------------------------- requantization */

/* Any rows; sums: (rows) without the bias. */
static void finish_rows(const tz_conv_2d_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums, int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = TZ_FILTER_OUTPUT_S8(layer, row, layer->bias[row] + *sums++);
    }
}

#if HAND_WRITTEN

#define FINISH_FOURS(signs)                                                                                            \
    while (sums != end) {                                                                                              \
        __asm__ volatile("ldmia %[sums]!, {r4, r5, r6, r8}\n"                                                          \
                         "ldmia %[four]!, {r9, r10, r11, r12}\n"                                                       \
                         "add r4, r9, r4, lsl #1\n"                                                                    \
                         "add r5, r10, r5, asr #7\n"                                                                   \
                         "add r6, r11, r6, lsl #1\n"                                                                   \
                         "add r8, r12, r8, asr #7\n" OUTPUTS_OF_FOUR(signs)                                            \
                         : [sums] "+r"(sums), [four] "+r"(four), [output] "+r"(output)                                 \
                         :                                                                                             \
                         : TEMPORARIES_OF_FOUR);                                                                       \
    }

/* Fours of rows, saturated to int8 but not clamped further. Sums are as they come from the loops: those of odd rows times
 * 256, so that they are doubled by a shift of 7. */
static __attribute__((noinline)) void finish_fours(const tz_filter_four_t *four, const int32_t *sums, int32_t rows,
                                                   int32_t has_signs, int8_t *output)
{
    const int32_t *const end = sums + rows;
    if (has_signs) {
        FINISH_FOURS(SIGNS_OF_FOUR)
    } else {
        FINISH_FOURS("")
    }
}

#endif

/* Rows of a tile, a multiple of four. */
static void finish_tile(const tz_conv_2d_s8_t *layer, const tz_filter_fours_t *filters, int32_t row, int32_t rows,
                        int32_t *sums, int8_t *output)
{
#if HAND_WRITTEN
    if (!filters->has_hard) {
        finish_fours(filters->fours + row / 4, sums, rows, filters->has_signs, output + row);
        return;
    }
    for (int32_t done = 0; done < rows; done += 4) {
        const tz_filter_four_t *four = filters->fours + (row + done) / 4;
        if (four->exponents[0]) {
            finish_fours(four, sums + done, 4, filters->has_signs, output + row + done);
        } else {
            scale_down(sums + done, 4);
            finish_rows(layer, row + done, 4, sums + done, output);
        }
    }
#else
    (void)filters;
    scale_down(sums, rows);
    finish_rows(layer, row, rows, sums, output);
#endif
}

/* ------------------------------------------------------------------------------------------------------- windows */

static void fill(int8_t *bytes, int32_t count, int32_t value)
{
    const uint32_t word = (uint32_t)(uint8_t)value * 0x01010101u;
    for (; count >= 4; count -= 4, bytes += 4) {
        memcpy(bytes, &word, sizeof word);
    }
    for (; count > 0; --count) {
        *bytes++ = (int8_t)value;
    }
}

static void copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        const uint32_t word = load_word(from);
        memcpy(to, &word, sizeof word);
    }
    for (; count > 0; --count) {
        *to++ = *from++;
    }
}

/* A row of the window, (width, channels); image_row: the image's, from its column `start` on, of which the taps `inside`
 * are in the image. */
static void gather_row(const tz_conv_2d_s8_t *layer, const int8_t *image_row, tz_taps_t inside, int8_t *to)
{
    const int32_t channels = layer->channels, step = layer->window.dilation_width * channels;
    fill(to, inside.first * channels, layer->input_zero_point);
    if (step == channels) {
        copy(to + inside.first * channels, image_row + inside.first * channels,
             (inside.end - inside.first) * channels);
    } else {
        for (int32_t tap = inside.first; tap < inside.end; ++tap) {
            copy(to + tap * channels, image_row + tap * step, channels);
        }
    }
    fill(to + inside.end * channels, (layer->window.width - inside.end) * channels, layer->input_zero_point);
}

/* The window whose first tap is at (y, x), as (height, width, channels). */
static void gather(const tz_conv_2d_s8_t *layer, const int8_t *input, int32_t y, int32_t x, int8_t *to)
{
    const tz_window_t *window = &layer->window;
    const int32_t length = window->width * layer->channels;
    tz_taps_t inside = tz_taps_inside(x, window->width, window->dilation_width, window->input_width);
    if (inside.end < inside.first) {
        inside = (tz_taps_t){0, 0};
    }
    for (int32_t tap = 0; tap < window->height; ++tap, y += window->dilation_height, to += length) {
        if (y < 0 || y >= window->input_height) {
            fill(to, length, layer->input_zero_point);
        } else {
            gather_row(layer, input + (y * window->input_width + x) * layer->channels, inside, to);
        }
    }
}

/* ------------------------------------------------------------------------------------------------------- filters */

/* All columns in one chunk. */
static void short_filters(const tz_conv_2d_s8_t *layer, const tz_filter_fours_t *filters, const int32_t *inputs,
                          int32_t groups, int32_t *sums, int8_t *output)
{
    const int32_t *weights = (const int32_t *)layer->weights;
    const int32_t fours = layer->rows & ~3;
    for (int32_t row = 0; row < fours; row += TILE) {
        const int32_t rows = smaller(fours - row, TILE);
        weights = dot_fours(weights, inputs, groups, sums, sums + rows);
        finish_tile(layer, filters, row, rows, sums, output);
    }
    for (int32_t row = fours; row < layer->rows; row += 2) {
        weights = dot_two(weights, inputs, groups, sums);
        scale_down(sums, 2);
        finish_rows(layer, row, smaller(layer->rows - row, 2), sums, output);
    }
}

/* Any number of columns. */
static void long_filters(const tz_conv_2d_s8_t *layer, const int32_t *inputs, int32_t columns, int32_t *sums,
                         int8_t *output)
{
    const int32_t *weights = (const int32_t *)layer->weights;
    int32_t *const totals = sums + smaller((layer->rows + 1) & ~1, TILE);
    for (int32_t row = 0; row < layer->rows; row += TILE) {
        const int32_t rows = smaller(layer->rows - row, TILE);
        weights = sum_chunks(weights, inputs, columns, rows, sums, totals);
        finish_rows(layer, row, rows, totals, output);
    }
}

/* The filters at one position; window: (columns). */
static void filter_position(const tz_conv_2d_s8_t *layer, const tz_filter_fours_t *filters, int32_t *inputs,
                            const int8_t *window, int32_t columns, int8_t *output)
{
    int32_t *const sums = widen(window, columns, inputs);
    if (columns > CHUNK) {
        long_filters(layer, inputs, columns, sums, output);
        return;
    }
    short_filters(layer, filters, inputs, groups_of(columns), sums, output);
    if (layer->minimum > INT8_MIN || layer->maximum < INT8_MAX) {
        for (int32_t row = 0; row < layer->rows; ++row) {
            output[row] = (int8_t)tz_clamp(output[row], layer->minimum, layer->maximum);
        }
    }
}

/* Words of scratch that pair_sums.inc takes. */
static int32_t words_of_sums(int32_t rows, int32_t columns)
{
    const int32_t chunks = (columns + CHUNK - 1) / CHUNK, sums = smaller((rows + 1) & ~1, TILE);
    return chunks * SUM_WORDS + groups_of(columns) * GROUP_WORDS + sums * (chunks > 1 ? 2 : 1);
}

void tz_conv_2d_s8(const tz_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const tz_window_t *window = &layer->window;
    const int32_t columns = window->height * window->width * layer->channels;
    const tz_filter_fours_t filters =
        prepare_fours(layer->bias, layer->multipliers, layer->shifts, layer->rows, layer->output_zero_point,
                      layer->minimum, scratch);
    int32_t *const inputs = (int32_t *)(filters.fours + filters.count);
    int8_t *const gathered = (int8_t *)(inputs + words_of_sums(layer->rows, columns));
    /* A window of one tap, which padding never moves out of the image, is a vector where it is. */
    const int is_one = window->height == 1 && window->width == 1;
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        const int32_t y = out_y * window->stride_height - window->top;
        for (int32_t out_x = 0; out_x < window->output_width; ++out_x, output += layer->rows) {
            const int32_t x = out_x * window->stride_width - window->left;
            const int8_t *vector = gathered;
            if (is_one) {
                vector = input + (y * window->input_width + x) * columns;
            } else {
                gather(layer, input, y, x, gathered);
            }
            filter_position(layer, &filters, inputs, vector, columns, output);
        }
    }
}
