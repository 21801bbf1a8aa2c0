/* CIMv3's host core (RV32: a multiplier of 32 bits, no vectors), and any core that runs the software HAL. Two MACs in a
 * multiplication, with words of four weights + 128, as in mul32/fully_connected_s8.c, which has the proof:
 *
 *   (u0 + 2^16 u2) * (x2 + 2^16 x0) + 2^15 - 0x00800080 * (x2 + 2^16 x0)   has  w0 x0 + w2 x2  in its upper 16 bits
 *
 * Weights: (rows, columns) in [-127, 127], row by row, which is also the form that the accelerator's driver gets. Adding
 * 128 to a byte flips its upper bit, which is done for four of them as their word is read. Rows that are not whole aligned
 * words, and the last ones where their number is no multiple of 4, are computed one by one.
 * Scratch: for every 4 columns the words x2 + 2^16 x0, what is added to its products, x3 + 2^16 x1, what is added. */
#include "textzoo/fully_connected_s8.h"

#include <stdbool.h>

#include "textzoo/fixedpoint.h"

enum { ROWS = 4, COLUMNS = 4, INPUT_WORDS = 4 };
#define MASK 0x00FF00FFu
#define FLIP 0x80808080u
#define BIAS 0x00800080u
#define HALF 0x8000u

static void finish_row(const tz_fully_connected_s8_t *layer, int32_t row, int32_t sum, int8_t *output)
{
    const int32_t scaled = tz_scale_single(sum + layer->bias[row], layer->multipliers[row], layer->shifts[row]);
    output[row] = (int8_t)tz_clamp(scaled + layer->output_zero_point, layer->minimum, layer->maximum);
}

static void one_by_one(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *input, int8_t *output)
{
    const int8_t *weights = (const int8_t *)layer->weights + row * layer->columns;
    int32_t sum = 0;
    for (int32_t column = 0; column < layer->columns; ++column) {
        sum += input[column] * weights[column];
    }
    finish_row(layer, row, sum, output);
}

/* inputs: (columns / 4, 4) uint32 */
static void pair_inputs(const int8_t *input, int32_t columns, uint32_t *inputs)
{
    for (int32_t column = 0; column < columns; column += COLUMNS) {
        for (int32_t odd = 0; odd < 2; ++odd) {
            const uint32_t first = (uint32_t)(int32_t)input[column + odd];
            const uint32_t pair = (uint32_t)(int32_t)input[column + odd + 2] + (first << 16);
            *inputs++ = pair;
            *inputs++ = HALF - BIAS * pair;
        }
    }
}

static inline int32_t products(uint32_t word, const uint32_t *x)
{
    const uint32_t flipped = word ^ FLIP;
    const int32_t even = (int32_t)((flipped & MASK) * x[0] + x[1]) >> 16;
    return even + ((int32_t)((flipped >> 8 & MASK) * x[2] + x[3]) >> 16);
}

/* 4 rows of `words` words; sums: (4). */
__attribute__((noinline)) static void dot_block(const uint32_t *weights, const uint32_t *inputs, int32_t words,
                                                int32_t *sums)
{
    const uint32_t *const end = weights + words;
    const uint32_t *const second = weights + words, *const third = second + words, *const fourth = third + words;
    int32_t sum[ROWS] = {0, 0, 0, 0};
    for (int32_t word = 0; weights != end; ++weights, ++word, inputs += INPUT_WORDS) {
        const uint32_t x[INPUT_WORDS] = {inputs[0], inputs[1], inputs[2], inputs[3]};
        sum[0] += products(*weights, x);
        sum[1] += products(second[word], x);
        sum[2] += products(third[word], x);
        sum[3] += products(fourth[word], x);
    }
    for (int32_t row = 0; row < ROWS; ++row) {
        sums[row] = sum[row];
    }
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t words = layer->columns / COLUMNS;
    const bool has_words = layer->columns % COLUMNS == 0 && (uintptr_t)layer->weights % sizeof(uint32_t) == 0;
    const int32_t whole = has_words ? layer->rows / ROWS * ROWS : 0;
    if (whole > 0) {
        pair_inputs(input, layer->columns, scratch);
    }
    for (int32_t row = 0; row < whole; row += ROWS) {
        int32_t sums[ROWS];
        dot_block((const uint32_t *)layer->weights + row * words, scratch, words, sums);
        for (int32_t index = 0; index < ROWS; ++index) {
            finish_row(layer, row + index, sums[index], output);
        }
    }
    for (int32_t row = whole; row < layer->rows; ++row) {
        one_by_one(layer, row, input, output);
    }
}
