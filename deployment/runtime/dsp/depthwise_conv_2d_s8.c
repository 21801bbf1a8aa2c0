/* Cortex-M cores with the DSP extension (M4, M7, M33), four channels at a time at all positions, where every channel of
 * the input has one of the output; other channels one by one.
 *
 * SXTB16 splits four inputs into channels 0 2 and 1 3 as int16. The weights of four channels are split the same way once,
 * doubled for filter_fours.inc, and lie in RAM while all positions are computed. A tap then takes SMLABB and SMLATT twice.
 *
 * Exact: a sum of at most 2^14 taps is at most 2^28 in size, below filter_fours.inc's 2^29; more taps than that go one by
 * one.
 *
 * Weights: (height, width, rows). Scratch: 64 bytes (filter_fours.inc); what four channels read at each position, in this
 * order: 16 bytes of biases, 8 bytes of split weights for each tap, 48 bytes of what finishes the sums; 4 bytes for each
 * tap (its inputs, where the window leaves the image). */
#include <arm_acle.h>
#include <string.h>

#include "../internal/plain_channel.h"
#include "textzoo/fixedpoint.h"

/* See pair_sums.inc. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

#include "filter_fours.inc"

enum { MOST_TAPS = 1 << 14 };

#if HAND_WRITTEN

/* Where the taps of a window are. */
typedef struct {
    const int8_t *first; /* four channels of the first tap */
    int32_t step;        /* bytes to the next tap of a row of the window */
    int32_t row_step;    /* from the first tap of a row to that of the next */
} tz_taps_at_t;

/* Everything about four channels. */
typedef struct {
    const tz_window_t *window;
    const int32_t *stream; /* (4 + 2 * taps + 12): biases, weights of channels 0 2 and 1 3, multipliers and so on */
    int8_t *inside;         /* (taps, 4): memory for inputs */
    int32_t channels;
    int32_t zero_points; /* four times the input's */
    int32_t has_signs;
} tz_channels_t;

static inline int32_t load_four(const int8_t *bytes)
{
    int32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Bytes 1 and 3 as a pair of int16: GCC does not rotate in the same instruction. */
static inline int32_t odd_bytes(int32_t bytes)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

static void split_weights(const int8_t *weights, int32_t taps, int32_t rows, int32_t *split)
{
    for (; taps > 0; --taps, weights += rows, split += 2) {
        const int32_t word = load_four(weights), even = __sxtb16(word), odd = odd_bytes(word);
        split[0] = __sadd16(even, even);
        split[1] = __sadd16(odd, odd);
    }
}

/* One tap, whose four inputs are in r9: r4, r5, r6 and r8 are the sums of the channels. */
#define ADD_TAP                                                                                                        \
    "ldrd r11, r12, [%[four]], #8\n"                                                                                   \
    "sxtb16 r10, r9\n"                                                                                                 \
    "sxtb16 r9, r9, ror #8\n"                                                                                          \
    "smlabb r4, r10, r11, r4\n"                                                                                        \
    "smlabb r5, r9, r12, r5\n"                                                                                         \
    "smlatt r6, r10, r11, r6\n"                                                                                        \
    "smlatt r8, r9, r12, r8\n"
#define TAP_HERE "ldr r9, [%[first]]\n" ADD_TAP
#define SECOND_TAP "ldr r9, [%[first], %[step]]\n" ADD_TAP
#define THIRD_TAP "ldr r9, [%[first], %[step], lsl #1]\n" ADD_TAP
#define NEXT_ROW "add %[first], %[first], %[row_step]\n"
#define THREE_TAPS TAP_HERE SECOND_TAP THIRD_TAP

#define WINDOW_OF_NINE(signs)                                                                                          \
    __asm__ volatile("ldmia %[four]!, {r4, r5, r6, r8}\n" THREE_TAPS NEXT_ROW THREE_TAPS NEXT_ROW THREE_TAPS           \
                         OUTPUTS_OF_FOUR(signs)                                                                        \
                     : [first] "+r"(at.first), [four] "+r"(four), [output] "+r"(output)                                 \
                     : [step] "r"(at.step), [row_step] "r"(at.row_step)                                                \
                     : TEMPORARIES_OF_FOUR)

/* Four outputs of a window of 3 x 3 taps, not clamped. */
static inline void filter_nine(const tz_channels_t *channels, tz_taps_at_t at, int8_t *output)
{
    const int32_t *four = channels->stream;
    if (channels->has_signs) {
        WINDOW_OF_NINE(SIGNS_OF_FOUR);
    } else {
        WINDOW_OF_NINE("");
    }
}

/* Adds some taps, one behind the other, to the doubled sums of four channels; returns the weights behind them. */
static inline const int32_t *add_taps(int32_t *sums, const int8_t *first, int32_t step, const int32_t *weights,
                                      int32_t count)
{
    const int32_t *const end = weights + 2 * count;
    __asm__ volatile("ldmia %[sums], {r4, r5, r6, r8}\n"
                     "1:\n" TAP_HERE "add %[first], %[first], %[step]\n"
                     "cmp %[four], %[end]\n"
                     "bne 1b\n"
                     "stmia %[sums], {r4, r5, r6, r8}\n"
                     : [first] "+r"(first), [four] "+r"(weights)
                     : [sums] "r"(sums), [step] "r"(step), [end] "r"(end)
                     : TEMPORARIES_OF_FOUR, "cc");
    return weights;
}

#define FINISH_SUMS(signs)                                                                                             \
    __asm__ volatile("ldmia %[sums], {r4, r5, r6, r8}\n" OUTPUTS_OF_FOUR(signs)                                        \
                     : [four] "+r"(four), [output] "+r"(output)                                                        \
                     : [sums] "r"(sums)                                                                                \
                     : TEMPORARIES_OF_FOUR)

/* The same of any window. */
static void filter_any(const tz_channels_t *channels, tz_taps_at_t at, int8_t *output)
{
    const tz_window_t *window = channels->window;
    const int32_t *four = channels->stream + 4;
    int32_t sums[4]; /* of four channels */
    memcpy(sums, channels->stream, sizeof sums);
    if (window->width == 1) {
        four = add_taps(sums, at.first, at.row_step, four, window->height);
    } else {
        for (int32_t row = 0; row < window->height; ++row, at.first += at.row_step) {
            four = add_taps(sums, at.first, at.step, four, window->width);
        }
    }
    if (channels->has_signs) {
        FINISH_SUMS(SIGNS_OF_FOUR);
    } else {
        FINISH_SUMS("");
    }
}

/* The inputs of a window that leaves the image, with zero points for those outside; y, x: its first tap. */
static tz_taps_at_t gather_taps(const tz_channels_t *channels, int32_t y, int32_t x, const int8_t *image)
{
    const tz_window_t *window = channels->window;
    int8_t *to = channels->inside;
    for (int32_t row = 0; row < window->height; ++row, y += window->dilation_height) {
        const int is_row_inside = y >= 0 && y < window->input_height;
        int32_t column = x;
        for (int32_t tap = 0; tap < window->width; ++tap, to += 4, column += window->dilation_width) {
            int32_t four = channels->zero_points;
            if (is_row_inside && column >= 0 && column < window->input_width) {
                four = load_four(image + (y * window->input_width + column) * channels->channels);
            }
            memcpy(to, &four, sizeof four);
        }
    }
    return (tz_taps_at_t){channels->inside, 4, 4 * window->width};
}

/* Four channels at all positions. */
static void filter_channels(const tz_channels_t *channels, const int8_t *image, int8_t *output)
{
    const tz_window_t *window = channels->window;
    const int32_t step = window->dilation_width * channels->channels;
    const int32_t row_step = window->dilation_height * window->input_width * channels->channels;
    /* Windows that begin at or before these do not leave the image at its end. */
    const int32_t last_y = window->input_height - 1 - (window->height - 1) * window->dilation_height;
    const int32_t last_x = window->input_width - 1 - (window->width - 1) * window->dilation_width;
    const int is_nine = window->height == 3 && window->width == 3;
    for (int32_t out_y = 0; out_y < window->output_height; ++out_y) {
        const int32_t y = out_y * window->stride_height - window->top;
        int32_t x = -window->left;
        for (int32_t count = window->output_width; count > 0; --count) {
            tz_taps_at_t at = {image + (y * window->input_width + x) * channels->channels, step, row_step};
            if (y < 0 || y > last_y || x < 0 || x > last_x) {
                at = gather_taps(channels, y, x, image);
            }
            if (is_nine) {
                filter_nine(channels, at, output);
            } else {
                filter_any(channels, at, output);
            }
            output += channels->channels;
            x += window->stride_width;
        }
    }
}

/* What four channels read at each position. */
static void write_stream(const tz_filter_four_t *four, const int8_t *weights, int32_t taps, int32_t rows, int32_t *stream)
{
    memcpy(stream, four->biases, sizeof four->biases);
    split_weights(weights, taps, rows, stream + 4);
    memcpy(stream + 4 + 2 * taps, four->multipliers, sizeof *four - sizeof four->biases);
}

/* All fours of channels; returns how many channels that were. */
static int32_t filter_fours(const tz_depthwise_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const tz_window_t *window = &layer->window;
    const int32_t taps = window->height * window->width;
    int32_t *const stream = (int32_t *)((tz_filter_four_t *)scratch + 1);
    tz_channels_t channels = {window, stream, (int8_t *)(stream + 16 + 2 * taps), layer->channels,
                              (int32_t)((uint32_t)(uint8_t)layer->input_zero_point * 0x01010101u), 0};
    int32_t row = 0;
    for (; row + 4 <= layer->rows; row += 4) {
        const tz_filter_fours_t filters =
            prepare_fours(layer->bias + row, layer->multipliers + row, layer->shifts + row, 4, layer->output_zero_point,
                          layer->minimum, scratch);
        if (filters.has_hard) {
            plain_channels(layer, row, row + 4, input, output);
            continue;
        }
        channels.has_signs = filters.has_signs;
        write_stream(filters.fours, layer->weights + row, taps, layer->rows, stream);
        filter_channels(&channels, input + row, output + row);
    }
    return row;
}

/* Clamp what filter_fours has written; plain_channels does so itself. */
static void clamp_all(const tz_depthwise_conv_2d_s8_t *layer, int8_t *output)
{
    const int32_t count = layer->window.output_height * layer->window.output_width * layer->rows;
    for (int32_t index = 0; index < count; ++index) {
        output[index] = (int8_t)tz_clamp(output[index], layer->minimum, layer->maximum);
    }
}

#endif

void tz_depthwise_conv_2d_s8(const tz_depthwise_conv_2d_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    int32_t done = 0;
#if HAND_WRITTEN
    if (layer->rows == layer->channels && layer->window.height * layer->window.width <= MOST_TAPS) {
        done = filter_fours(layer, input, output, scratch);
        if (layer->minimum > INT8_MIN || layer->maximum < INT8_MAX) {
            clamp_all(layer, output);
        }
    }
#else
    (void)scratch;
#endif
    plain_channels(layer, done, layer->rows, input, output);
}
