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


static inline int32_t saturate_half(int32_t value)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(value));
    return result;
}

enum { TILE = 64 };

static __attribute__((noinline)) const int32_t *dot_fours(const int32_t *weights, const int32_t *start, int32_t groups, int32_t *sums, const int32_t *sums_end)
{
    const int32_t xi = *start++;
    const int32_t *const wide_end = start + (groups & ~7) * 4;
    const int32_t *const end = start + groups * 4;
    const int32_t *w = weights, *x;
    register int32_t low0 __asm__("r0"), both0 __asm__("r1"), low1 __asm__("r2"), both1 __asm__("r3");
    do {
        x = start;
        __asm__ volatile("ldrd %[low0], %[low1], [%[w]], #8\n"
                "sub %[low0], %[low0], %[xi]\n"
                "sub %[low1], %[low1], %[xi]\n"
                "mov %[both0], #0\n"
                "mov %[both1], #0\n" : [w] "+r"(w), [low0] "=r"(low0), [both0] "=r"(both0), [low1] "=r"(low1),
                   [both1] "=r"(both1) : [xi] "r"(xi) : "memory");
        while (x != wide_end) {
            GROUPS(GROUP GROUP GROUP GROUP GROUP GROUP GROUP GROUP);
        }
        while (x != end) {
            GROUPS(GROUP);
        }
        __asm__ volatile("sub %[both0], %[both0], %[low0]\n"
                "sub %[both1], %[both1], %[low1]\n"
                "asr %[both0], %[both0], #8\n"
                "asr %[both1], %[both1], #8\n"
                "stmia %[s]!, {r0, r1, r2, r3}\n" : [s] "+r"(sums), [low0] "+r"(low0), [both0] "+r"(both0), [low1] "+r"(low1),
                   [both1] "+r"(both1) : : "memory");
    } while (sums != sums_end);
    return w;
}

static __attribute__((noinline)) void requantize(const tz_fully_connected_s8_t *layer, int32_t row, int32_t *sums_, const int32_t *sums_end, int8_t *output_)
{
    register int32_t *sums __asm__("r0") = sums_;
    register const int32_t *bias __asm__("r1") = layer->bias + row, *m __asm__("r2")= layer->multipliers + row;
    register int8_t *output __asm__("r3") = output_;
    const int8_t *sh = layer->shifts + row;
    const int32_t c = 2 * layer->output_zero_point + 1;
    do {
        register uint32_t e __asm__("lr") = __usub8(0xFEFEFEFE, load_word(sh));
        sh += 4;
        if (e & 0x80808080u) {
            *output++ = 99; continue;
        }
        __asm__ volatile("ldmia %[s]!, {r4, r5, r6, r8}\n"
        "ldmia %[b]!, {r9, r10, r11, r12}\n"
        "add r4, r4, r9\n"
        "add r5, r5, r10\n"
        "add r6, r6, r11\n"
        "add r8, r8, r12\n"
        "ldmia %[m]!, {r9, r10, r11, r12}\n"
        "smmul r4, r4, r9\n"
        "smmul r5, r5, r10\n"
        "smmul r6, r6, r11\n"
        "smmul r8, r8, r12\n"
        "asr r4, r4, %[e]\n"
        "lsr %[e], %[e], #8\n"
        "asr r5, r5, %[e]\n"
        "lsr %[e], %[e], #8\n"
        "asr r6, r6, %[e]\n"
        "lsr %[e], %[e], #8\n"
        "asr r8, r8, %[e]\n"
        "add r4, r4, %[c]\n"
        "add r5, r5, %[c]\n"
        "add r6, r6, %[c]\n"
        "add r8, r8, %[c]\n"
        "ssat r4, #8, r4, asr #1\n"
        "ssat r5, #8, r5, asr #1\n"
        "ssat r6, #8, r6, asr #1\n"
        "ssat r8, #8, r8, asr #1\n"
        "strb r4, [%[o]], #1\n"
        "strb r5, [%[o]], #1\n"
        "strb r6, [%[o]], #1\n"
        "strb r8, [%[o]], #1\n" : [s] "+r"(sums), [b] "+r"(bias), [m] "+r"(m), [o] "+r"(output), [e] "+r"(e)
        : [c] "r"(c) : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory");
    } while (sums != sums_end);
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t *w = layer->weights;
    int32_t sums[TILE];
    widen(input, layer->columns, scratch);
    const int32_t groups = (layer->columns + 7) / 8;
    for (int32_t row = 0; row + 4 <= layer->rows; row += TILE) {
        const int32_t count = layer->rows - row < TILE ? layer->rows - row : TILE;
        w = dot_fours(w, scratch, groups, sums, sums + (count & ~3));
        requantize(layer, row, sums, sums + (count & ~3), output + row);
    }
}
