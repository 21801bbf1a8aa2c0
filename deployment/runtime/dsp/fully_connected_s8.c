/* Cortex-M cores with the DSP extension (M4, M7, M33): 0.72 instructions per MAC in the inner loop.
 *
 * Two rows share a word. Of an even row l and the odd row h below it, the lane of column k holds w[k] = 256 * h[k] +
 * l[k], which fits 16 bits because weights are in [-127, 127]. With four columns in two words, a = (w[0], w[2]) and
 * b = (w[1], w[3]), and the inputs likewise, p = (x[0], x[2]) and q = (x[1], x[3]), five instructions do eight MACs:
 *
 *   both += a * p, both += b * q               2 x SMLAD: sums 256 * h[k] * x[k] + l[k] * x[k]
 *   low += (q + low bytes of a) * (p + low bytes of b)    2 x SXTAB16, SMLAD
 *
 * The last line is Winograd's inner product: (x1 + l0)(x0 + l1) = l0 x0 + l1 x1 + x0 x1 + l0 l1, of which the last two
 * sums are known: sum of l0 l1 per row, negative, is in the packed weights, and sum of x0 x1 is computed once per call.
 *
 * Exact: all of this is arithmetic modulo 2^32, so sums may wrap. Starting from low = -(both known sums) and both = 0,
 * the loop ends with low = dot(l, x) and both - low = 256 * dot(h, x) modulo 2^32. That is no loss as long as
 * |dot(h, x)| < 2^23: 516 columns of 127 * 128. So columns are taken in chunks of at most 512.
 *
 * Weights: int16, 4-byte aligned. Blocks of four rows, then the last one to three rows as blocks of two, the missing
 * one 0. A block is its chunks one after the other. A chunk is -sum of l0 l1 for each of its pairs of rows (int32), then
 * for every 8 columns, for each pair, the lanes of columns 0 2 1 3 4 6 5 7; missing columns are 0.
 * Scratch: for each chunk the sum of x0 x1 (int32), then the inputs as int16 in the order of the lanes. */
#include "textzoo/fully_connected_s8.h"

#include <arm_acle.h>
#include <string.h>

#include "textzoo/fixedpoint.h"

enum { CHUNK = 64, WIDE = 8, GROUP_WORDS = 4 }; /* groups of 8 columns in a chunk and in a turn of the loop */

typedef struct {
    int32_t low0, both0, low1, both1;
} sums_t;

static inline uint32_t load_word(const void *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Four inputs to two words: columns 0 and 2, columns 1 and 3. Returns sum + x0 x1 + x2 x3. */
static inline int32_t widen_four(const int8_t *input, int32_t *words, int32_t sum)
{
    const uint32_t bytes = load_word(input);
    words[0] = __sxtb16((int32_t)bytes);
    words[1] = __sxtb16((int32_t)(bytes >> 8 | bytes << 24));
    return __smlad(words[0], words[1], sum);
}

static int32_t *widen_chunk(const int8_t *input, int32_t columns, int32_t *words)
{
    int8_t rest[8] = {0};
    int32_t *next = words + 1;
    int32_t sum = 0;
    for (; columns >= 8; columns -= 8, input += 8, next += GROUP_WORDS) {
        sum = widen_four(input, next, sum);
        sum = widen_four(input + 4, next + 2, sum);
    }
    if (columns > 0) {
        memcpy(rest, input, (size_t)columns);
        sum = widen_four(rest, next, sum);
        sum = widen_four(rest + 4, next + 2, sum);
        next += GROUP_WORDS;
    }
    *words = sum;
    return next;
}

static void widen(const int8_t *input, int32_t columns, int32_t *words)
{
    for (; columns > 8 * CHUNK; columns -= 8 * CHUNK, input += 8 * CHUNK) {
        words = widen_chunk(input, 8 * CHUNK, words);
    }
    widen_chunk(input, columns, words);
}

#define LOAD_INPUTS "ldmia %[x]!, {r4, r5, r6, r8}\n"
#define PAIR(low, both)                                                                                                \
    "ldmia %[w]!, {r9, r10, r11, r12}\n"                                                                               \
    "smlad %[" both "], r9, r4, %[" both "]\n"                                                                         \
    "smlad %[" both "], r10, r5, %[" both "]\n"                                                                        \
    "sxtab16 r9, r5, r9\n"                                                                                             \
    "smlad %[" both "], r11, r6, %[" both "]\n"                                                                        \
    "sxtab16 r10, r4, r10\n"                                                                                           \
    "smlad %[" both "], r12, r8, %[" both "]\n"                                                                        \
    "sxtab16 r11, r8, r11\n"                                                                                           \
    "smlad %[" low "], r9, r10, %[" low "]\n"                                                                          \
    "sxtab16 r12, r6, r12\n"                                                                                           \
    "smlad %[" low "], r11, r12, %[" low "]\n"
#define GROUP LOAD_INPUTS PAIR("low0", "both0") PAIR("low1", "both1")
#define GROUPS(text)                                                                                                   \
    __asm__(text : [x] "+r"(x), [w] "+r"(w), [low0] "+r"(low0), [both0] "+r"(both0), [low1] "+r"(low1),                 \
                   [both1] "+r"(both1) : : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory")

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t *w = layer->weights;
    widen(input, layer->columns, scratch);
    const int32_t groups = (layer->columns + 7) / 8;
    const int32_t *const start = scratch;
    const int32_t *const wide_end = start + 1 + (groups & ~7) * 4;
    const int32_t *const end = start + 1 + groups * 4;
    for (int32_t row = 0; row + 4 <= layer->rows; row += 4) {
        const int32_t *x = start;
        int32_t low0, low1, both0 = 0, both1 = 0;
        const int32_t xi = *x++;
        low0 = *w++ - xi;
        low1 = *w++ - xi;
        while (x != wide_end) {
            GROUPS(GROUP GROUP GROUP GROUP GROUP GROUP GROUP GROUP);
        }
        while (x != end) {
            GROUPS(GROUP);
        }
        const int32_t s0 = low0 + layer->bias[row], s2 = low1 + layer->bias[row + 2];
        const int32_t s1 = ((both0 - low0) >> 8) + layer->bias[row + 1];
        const int32_t s3 = ((both1 - low1) >> 8) + layer->bias[row + 3];
        const uint32_t sh = 0xFEFEFEFE - load_word(layer->shifts + row);
        const int32_t *m = layer->multipliers + row;
        const int32_t c = 2 * layer->output_zero_point + 1;
#define SC(s, m, e) (int8_t)__ssat((((int32_t)(((int64_t)(s) * (m)) >> 32) >> ((e)&255)) + c) >> 1, 8)
        output[row] = SC(s0, m[0], sh);
        output[row + 1] = SC(s1, m[1], sh >> 8);
        output[row + 2] = SC(s2, m[2], sh >> 16);
        output[row + 3] = SC(s3, m[3], sh >> 24);
    }
}
