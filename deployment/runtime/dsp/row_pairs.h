/* What the kernels of FULLY_CONNECTED int8 for Cortex-M cores with the DSP extension share: everything but the sums.
 *
 * Two rows share a word: of an even row l and the odd row h after it, a lane of 16 bits holds h in its upper end and l in
 * its lower end, so that SMLAD multiplies two columns of both rows at once. How far apart the ends are, and how the two
 * sums are told apart again, is the kernel's matter: it says in NEEDS_PRODUCTS and NEEDS_SUMS what it has to know about
 * the inputs, includes this file, and defines dot_fours and dot_two.
 *
 * Weights: int32 words. Rows come in tiles of 128; a tile is its chunks of 512 columns one after the other; a chunk is
 * blocks of four rows, then what is left of the tile as blocks of two, a missing row being 0. In a block come, for every
 * 8 columns, for each pair of rows, the lanes of columns 0 2, 1 3, 4 6 and 5 7; missing columns are 0.
 * Scratch: for each chunk the sum of x0 x1 (its columns by twos) and the sum of x, if needed (int32), then the inputs as
 * int16 in the order of the lanes; behind them the sums of a tile (int32, an even number of them), twice if there is
 * more than one chunk. */
#ifndef TEXTZOO_ROW_PAIRS_H
#define TEXTZOO_ROW_PAIRS_H

#include <arm_acle.h>
#include <string.h>

#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

/* The inner loops give every register its place. Unoptimized code and Clang do not let them, nor does
 * -fno-omit-frame-pointer: define TZ_NO_ASSEMBLY for that. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

/* r0 to r3 hold the sums of two pairs of rows and r4 to r12 without r7 a group of inputs and weights; that leaves two
 * for the pointers. */
#define LOAD_INPUTS "ldmia %[x]!, {r4, r5, r6, r8}\n"
#define TEMPORARIES "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory"

enum {
    TILE = 128,                  /* rows whose sums wait for their requantization together */
    CHUNK = 512,                 /* columns */
    GROUP = 8,                   /* columns: as many as four words of inputs hold */
    GROUP_WORDS = 4,             /* of inputs */
    KNOWN_WORDS = 2,             /* the sums of x0 x1 and of x */
    CHUNK_WORDS = KNOWN_WORDS + CHUNK / 2, /* of scratch */
};

/* Defined by the kernel. `inputs`: one chunk, from its known sums on. Of each pair of rows comes l . x and
 * 256 * (h . x). Both return the first weight that they did not read.
 * dot_fours: blocks of four rows; sums_end - sums is a multiple of four. dot_two: one block of two rows. */
static const int32_t *dot_fours(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums,
                                const int32_t *sums_end);
static const int32_t *dot_two(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums);

static inline int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t groups_of(int32_t columns)
{
    return (columns + GROUP - 1) / GROUP;
}

static inline uint32_t load_word(const int8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* --------------------------------------------------------------------------------------------------- widening */

/* Bytes 1 and 3 as a pair of int16: GCC finds no way to rotate in the same instruction. */
static inline int32_t odd_bytes(uint32_t bytes)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* What is known about the inputs of a chunk. */
typedef struct {
    int32_t products; /* sum of x0 x1, the columns by twos */
    int32_t sum;      /* of x */
} known_t;

/* Eight inputs to four words: columns 0 2, 1 3, 4 6, 5 7. Returns what was known and what these add. */
static inline known_t widen_group(const int8_t *input, int32_t *words, known_t known)
{
    const uint32_t first = load_word(input), second = load_word(input + 4);
    words[0] = __sxtb16((int32_t)first);
    words[1] = odd_bytes(first);
    words[2] = __sxtb16((int32_t)second);
    words[3] = odd_bytes(second);
    if (NEEDS_PRODUCTS) {
        known.products = __smlad(words[2], words[3], __smlad(words[0], words[1], known.products));
    }
    for (int32_t i = 0; NEEDS_SUMS && i < GROUP_WORDS; ++i) {
        known.sum = __smlad(words[i], 0x00010001, known.sum);
    }
    return known;
}

/* Returns the first word behind the inputs. */
static int32_t *widen_chunk(const int8_t *input, int32_t columns, int32_t *words)
{
    int32_t *next = words + KNOWN_WORDS;
    known_t known = {0, 0};
    for (; columns >= GROUP; columns -= GROUP, input += GROUP, next += GROUP_WORDS) {
        known = widen_group(input, next, known);
    }
    if (columns > 0) {
        int8_t rest[GROUP] = {0};
        memcpy(rest, input, (size_t)columns);
        known = widen_group(rest, next, known);
        next += GROUP_WORDS;
    }
    words[0] = known.products;
    words[1] = known.sum;
    return next;
}

static int32_t *widen(const int8_t *input, int32_t columns, int32_t *words)
{
    for (; columns > CHUNK; columns -= CHUNK, input += CHUNK) {
        words = widen_chunk(input, CHUNK, words);
    }
    return widen_chunk(input, columns, words);
}

/* ---------------------------------------------------------------------------------------------- requantization */

/* From the loops' sums, those of odd rows times 256, to the sums. */
static void scale_down(int32_t *sums, int32_t rows)
{
    for (int32_t row = 1; row < rows; row += 2) {
        sums[row] >>= 8;
    }
}

/* Any rows: sums are without the bias. */
static void requantize(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                       int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = tz_row_output_s8(layer, row, layer->bias[row] + *sums++);
    }
}

#if HAND_WRITTEN

/* Four rows at a time, saturated to int8 but not clamped further, up to four with a shift above -2; returns how many
 * rows it did. Sums are as they come from the loops.
 *
 * tz_scale_single is floor((s m + 2^(t-1)) / 2^t), t = 31 - shift. With e = t - 33 = -2 - shift >= 0 that equals
 * (h + 1) >> 1, h = floor(s m / 2^(t-1)) = floor(floor(s m / 2^32) / 2^e): SMMUL, then ASR. Adding the zero point z:
 * ((h + 1) >> 1) + z = (h + 1 + 2 z) >> 1, and SSAT shifts and saturates. |h| <= 2^30, so nothing overflows.
 * Four exponents e are computed at once in the bytes of a word; a row with shift > -2 has the sign bit of its e set. */
static __attribute__((noinline)) int32_t requantize_fours(const tz_fully_connected_s8_t *layer, int32_t row,
                                                          int32_t rows, const int32_t *first_sum, int8_t *output)
{
    register const int32_t *sums __asm__("r0") = first_sum;
    register const int32_t *bias __asm__("r1") = layer->bias + row;
    register const int32_t *multipliers __asm__("r2") = layer->multipliers + row;
    register int8_t *next __asm__("r3") = output + row;
    register const int8_t *shifts __asm__("r7") = layer->shifts + row;
    const int32_t rounding = 2 * layer->output_zero_point + 1;
    for (const int32_t *const end = first_sum + rows; sums != end;) {
        register uint32_t exponents __asm__("lr") = __usub8(0xFEFEFEFEu, load_word(shifts));
        shifts += 4;
        if (exponents & 0x80808080u) {
            break;
        }
        __asm__ volatile("ldmia %[sums]!, {r4, r5, r6, r8}\n"
                         "ldmia %[bias]!, {r9, r10, r11, r12}\n"
                         "add r4, r4, r9\n"
                         "add r5, r10, r5, asr #8\n"
                         "add r6, r6, r11\n"
                         "add r8, r12, r8, asr #8\n"
                         "ldmia %[multipliers]!, {r9, r10, r11, r12}\n"
                         "smmul r4, r4, r9\n"
                         "smmul r5, r5, r10\n"
                         "smmul r6, r6, r11\n"
                         "smmul r8, r8, r12\n"
                         "asr r4, r4, %[exponents]\n" /* ASR takes the lowest byte of a register */
                         "lsr %[exponents], %[exponents], #8\n"
                         "asr r5, r5, %[exponents]\n"
                         "lsr %[exponents], %[exponents], #8\n"
                         "asr r6, r6, %[exponents]\n"
                         "lsr %[exponents], %[exponents], #8\n"
                         "asr r8, r8, %[exponents]\n"
                         "ldr r9, %[rounding]\n"
                         "add r4, r4, r9\n"
                         "add r5, r5, r9\n"
                         "add r6, r6, r9\n"
                         "add r8, r8, r9\n"
                         "ssat r4, #8, r4, asr #1\n"
                         "ssat r5, #8, r5, asr #1\n"
                         "ssat r6, #8, r6, asr #1\n"
                         "ssat r8, #8, r8, asr #1\n"
                         "strb r4, [%[next]], #1\n"
                         "strb r5, [%[next]], #1\n"
                         "strb r6, [%[next]], #1\n"
                         "strb r8, [%[next]], #1\n"
                         : [sums] "+r"(sums), [bias] "+r"(bias), [multipliers] "+r"(multipliers), [next] "+r"(next),
                           [exponents] "+r"(exponents)
                         : [rounding] "m"(rounding)
                         : TEMPORARIES);
    }
    return (int32_t)(sums - first_sum);
}

#else

static int32_t requantize_fours(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows,
                                const int32_t *first_sum, int8_t *output)
{
    (void)layer, (void)row, (void)rows, (void)first_sum, (void)output;
    return 0;
}

#endif

/* Rows of a tile, a multiple of four. */
static void requantize_tile(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, int32_t *sums,
                            int8_t *output)
{
    for (int32_t done = 0;; done += 4) {
        done += requantize_fours(layer, row + done, rows - done, sums + done, output);
        if (done == rows) {
            return;
        }
        scale_down(sums + done, 4);
        requantize(layer, row + done, 4, sums + done, output);
    }
}

static void clamp_all(const tz_fully_connected_s8_t *layer, int8_t *output)
{
    for (int32_t row = 0; row < layer->rows; ++row) {
        output[row] = (int8_t)tz_clamp(output[row], layer->minimum, layer->maximum);
    }
}

/* ------------------------------------------------------------------------------------------------------- rows */

/* All columns in one chunk. */
static void short_rows(const tz_fully_connected_s8_t *layer, const int32_t *inputs, int32_t *sums, int8_t *output)
{
    const int32_t *weights = layer->weights;
    const int32_t groups = groups_of(layer->columns), fours = layer->rows & ~3;
    for (int32_t row = 0; row < fours; row += TILE) {
        const int32_t rows = smaller(fours - row, TILE);
        weights = dot_fours(weights, inputs, groups, sums, sums + rows);
        requantize_tile(layer, row, rows, sums, output);
    }
    for (int32_t row = fours; row < layer->rows; row += 2) {
        weights = dot_two(weights, inputs, groups, sums);
        scale_down(sums, 2);
        requantize(layer, row, smaller(layer->rows - row, 2), sums, output);
    }
}

/* One chunk of columns of a tile. */
static const int32_t *dot_tile(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t rows,
                               int32_t *sums)
{
    const int32_t fours = rows & ~3;
    weights = dot_fours(weights, inputs, groups, sums, sums + fours);
    for (int32_t row = fours; row < rows; row += 2) {
        weights = dot_two(weights, inputs, groups, sums + row);
    }
    scale_down(sums, rows);
    return weights;
}

/* Any number of columns. */
static __attribute__((noinline)) void long_rows(const tz_fully_connected_s8_t *layer, const int32_t *inputs,
                                                int32_t *sums, int8_t *output)
{
    const int32_t *weights = layer->weights;
    int32_t *const totals = sums + smaller((layer->rows + 1) & ~1, TILE);
    for (int32_t row = 0; row < layer->rows; row += TILE) {
        const int32_t rows = smaller(layer->rows - row, TILE);
        const int32_t *chunk = inputs;
        memset(totals, 0, (size_t)rows * sizeof *totals);
        for (int32_t columns = layer->columns; columns > 0; columns -= CHUNK, chunk += CHUNK_WORDS) {
            weights = dot_tile(weights, chunk, groups_of(smaller(columns, CHUNK)), rows, sums);
            for (int32_t index = 0; index < rows; ++index) {
                totals[index] += sums[index];
            }
        }
        requantize(layer, row, rows, totals, output);
    }
}

/* The layer: what a kernel does. */
static inline void fully_connected(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                   void *scratch)
{
    int32_t *const sums = widen(input, layer->columns, scratch);
    if (layer->columns > CHUNK) {
        long_rows(layer, scratch, sums, output);
        return;
    }
    short_rows(layer, scratch, sums, output);
    if (layer->minimum > INT8_MIN || layer->maximum < INT8_MAX) {
        clamp_all(layer, output);
    }
}

#endif
