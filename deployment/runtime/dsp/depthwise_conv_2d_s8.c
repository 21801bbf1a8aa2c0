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
 * order: 16 bytes of biases, 8 bytes of split weights for each tap, 48 bytes of what finishes the sums; where windows
 * leave the image, as many of its rows as the window has, 4 bytes for each position that the windows reach over. */
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

enum { MOST_TAPS = 1 << 14 };

#if HAND_WRITTEN

#include "filter_fours.inc"

/* From where to where bytes lie. */
typedef struct {
    int32_t tap;      /* from one tap of a row of the window to the next */
    int32_t row;      /* from the first tap of a row to that of the next */
    int32_t position; /* from a window to the next one */
    int32_t output;   /* from its outputs to those of the next one */
} tz_steps_t;

/* Everything about four channels. */
typedef struct {
    const tz_window_t *window;
    const int32_t *stream; /* (4 + 2 * taps + 12): biases, weights of channels 0 2 and 1 3, multipliers and so on */
    int32_t *rows;         /* (height, row_length): memory for rows of the image */
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
                     : [first] "+r"(tap), [four] "+r"(four), [output] "+r"(to)                                         \
                     : [step] "r"(steps.tap), [row_step] "r"(steps.row)                                                \
                     : TEMPORARIES_OF_FOUR)
#define WINDOWS_OF_NINE(signs)                                                                                         \
    for (; count > 0; --count, first += steps.position, output += steps.output) {                                      \
        const int8_t *tap = first;                                                                                     \
        const int32_t *four = channels->stream;                                                                        \
        int8_t *to = output;                                                                                           \
        WINDOW_OF_NINE(signs);                                                                                         \
    }

/* Four outputs of each of `count` windows of 3 x 3 taps, not clamped. first: four channels of the first tap. */
static __attribute__((noinline)) void filter_nines(const tz_channels_t *channels, const int8_t *first, tz_steps_t steps,
                                                   int8_t *output, int32_t count)
{
    if (channels->has_signs) {
        WINDOWS_OF_NINE(SIGNS_OF_FOUR)
    } else {
        WINDOWS_OF_NINE("")
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

/* Four outputs of any window. */
static void filter_window(const tz_channels_t *channels, const int8_t *first, tz_steps_t steps, int8_t *output)
{
    const tz_window_t *window = channels->window;
    const int32_t *four = channels->stream + 4;
    int32_t sums[4]; /* of four channels */
    memcpy(sums, channels->stream, sizeof sums);
    if (window->width == 1) {
        four = add_taps(sums, first, steps.row, four, window->height);
    } else {
        for (int32_t row = 0; row < window->height; ++row, first += steps.row) {
            four = add_taps(sums, first, steps.tap, four, window->width);
        }
    }
    if (channels->has_signs) {
        FINISH_SUMS(SIGNS_OF_FOUR);
    } else {
        FINISH_SUMS("");
    }
}

/* The same of `count` windows in a row of the image. */
static void filter_windows(const tz_channels_t *channels, const int8_t *first, tz_steps_t steps, int8_t *output,
                           int32_t count)
{
    if (channels->window->height == 3 && channels->window->width == 3) {
        filter_nines(channels, first, steps, output, count);
        return;
    }
    for (; count > 0; --count, first += steps.position, output += steps.output) {
        filter_window(channels, first, steps, output);
    }
}

/* Four channels of `count` positions of a row of the image; a position outside of it is a zero point. image_row: the
 * image's row, or a null pointer where all of it is outside; x: the first position. Returns what is behind them in `to`. */
static int32_t *copy_row(const tz_channels_t *channels, const int8_t *image_row, int32_t x, int32_t count, int32_t *to)
{
    const int32_t step = channels->channels, end = x + count, width = image_row ? channels->window->input_width : x;
    for (; x < 0 && x < end; ++x) {
        *to++ = channels->zero_points;
    }
    for (const int8_t *from = image_row + x * step; x < end && x < width; ++x, from += step) {
        *to++ = load_four(from);
    }
    for (; x < end; ++x) {
        *to++ = channels->zero_points;
    }
    return to;
}

/* Positions of the image that the windows of a row of outputs reach over. */
static int32_t row_length(const tz_window_t *window)
{
    return (window->output_width - 1) * window->stride_width + (window->width - 1) * window->dilation_width + 1;
}

/* A row of outputs of windows that may leave the image; y: the row of their first taps. */
static void filter_padded_row(const tz_channels_t *channels, int32_t y, const int8_t *image, int8_t *output)
{
    const tz_window_t *window = channels->window;
    const int32_t length = row_length(window), count = channels->channels;
    const tz_steps_t steps = {4 * window->dilation_width, 4 * length, 4 * window->stride_width, count};
    int32_t *to = channels->rows;
    for (int32_t tap = 0; tap < window->height; ++tap, y += window->dilation_height) {
        const int is_inside = y >= 0 && y < window->input_height;
        to = copy_row(channels, is_inside ? image + y * window->input_width * count : 0, -window->left, length, to);
    }
    filter_windows(channels, (const int8_t *)channels->rows, steps, output, window->output_width);
}

/* Whether no window leaves the image. */
static int is_inside(const tz_window_t *window)
{
    const int32_t height =
        (window->output_height - 1) * window->stride_height + (window->height - 1) * window->dilation_height + 1;
    return window->top == 0 && window->left == 0 && height <= window->input_height &&
           row_length(window) <= window->input_width;
}

/* Four channels at all positions. */
static void filter_channels(const tz_channels_t *channels, const int8_t *image, int8_t *output)
{
    const tz_window_t *window = channels->window;
    const int32_t count = channels->channels, width = window->input_width * count;
    const tz_steps_t steps = {window->dilation_width * count, window->dilation_height * width,
                              window->stride_width * count, count};
    const int is_direct = is_inside(window);
    int32_t y = -window->top;
    for (int32_t rows = window->output_height; rows > 0; --rows, y += window->stride_height) {
        if (is_direct) {
            filter_windows(channels, image + y * width, steps, output, window->output_width);
        } else {
            filter_padded_row(channels, y, image, output);
        }
        output += window->output_width * count;
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
    tz_channels_t channels = {window, stream, stream + 16 + 2 * taps, layer->channels,
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
