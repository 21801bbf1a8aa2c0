/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors: two MACs in a multiplication.
 *
 *   (w0 + 2^16 w2) * (x2 + 2^16 x0) = w0 x2 + 2^16 (w0 x0 + w2 x2)   modulo 2^32
 *
 * The middle is what is wanted. Weights lie in [-127, 127], so that it is at most 2 * 127 * 128 = 32512: it fits the upper
 * 16 bits with its sign. w0 x2 is at most 16256; with 2^15 added it lies in [0, 2^16) and changes nothing above. So
 * (product + 2^15) >> 16 is the middle, exactly.
 *
 * Four weights, each + 128, lie in a word: AND with 0x00FF00FF gives the even two of them as u0 + 2^16 u2, the word
 * shifted by 8 the odd two. u = w + 128 makes the product larger by 0x00800080 * (x2 + 2^16 x0), which depends on the
 * inputs alone: it is taken off together with adding 2^15, and both are computed once for all rows. 12 instructions for 4
 * MACs, and 4 loads of inputs for 4 rows.
 *
 * Weights: blocks of 4 rows (the last one is filled up), in each for every 4 columns a word of each row. Inputs beyond
 * the last column are 0, whose products are 0.
 * Scratch: for every 4 columns the words x2 + 2^16 x0, what is added to its products, x3 + 2^16 x1, what is added. */
#include "textzoo/fully_connected_s8.h"

#include "finish_row.h"

enum { ROWS = 4, COLUMNS = 4, INPUT_WORDS = 4, WIDE = 4 * INPUT_WORDS };
#define MASK 0x00FF00FFu
#define BIAS 0x00800080u
#define HALF 0x8000u

static inline int32_t input_at(const int8_t *input, int32_t columns, int32_t column)
{
    return column < columns ? input[column] : 0;
}

/* inputs: (columns / 4 rounded up, 4) uint32 */
static void pair_inputs(const int8_t *input, int32_t columns, uint32_t *inputs)
{
    for (int32_t column = 0; column < columns; column += COLUMNS) {
        for (int32_t odd = 0; odd < 2; ++odd) {
            const uint32_t first = (uint32_t)input_at(input, columns, column + odd);
            const uint32_t pair = (uint32_t)input_at(input, columns, column + odd + 2) + (first << 16);
            *inputs++ = pair;
            *inputs++ = HALF - BIAS * pair;
        }
    }
}

/* 4 or 16 columns of 4 rows, added to sum[0] to sum[3]. */
#if HAND_WRITTEN

/* By hand, because GCC's order of these needs more registers than there are. */
#define ADD_ROW(sum, place)                                                                                            \
    "l32i %[w], %[weights], " place "\n"                                                                               \
    "and %[t], %[w], %[mask]\n"                                                                                        \
    "srli %[w], %[w], 8\n"                                                                                             \
    "mull %[t], %[t], %[x0]\n"                                                                                         \
    "and %[w], %[w], %[mask]\n"                                                                                        \
    "mull %[w], %[w], %[x2]\n"                                                                                         \
    "add %[t], %[t], %[x1]\n"                                                                                          \
    "srai %[t], %[t], 16\n"                                                                                            \
    "add %[w], %[w], %[x3]\n"                                                                                          \
    "srai %[w], %[w], 16\n"                                                                                            \
    "add " sum ", " sum ", %[t]\n"                                                                                     \
    "add " sum ", " sum ", %[w]\n"
#define ADD_GROUP(place)                                                                                               \
    "l32i %[x0], %[inputs], " place "\n"                                                                               \
    "l32i %[x1], %[inputs], 4 + " place "\n"                                                                           \
    "l32i %[x2], %[inputs], 8 + " place "\n"                                                                           \
    "l32i %[x3], %[inputs], 12 + " place "\n" ADD_ROW("%[sum0]", place) ADD_ROW("%[sum1]", "4 + " place)               \
        ADD_ROW("%[sum2]", "8 + " place) ADD_ROW("%[sum3]", "12 + " place)
#define ADD_GROUPS(groups, bytes)                                                                                      \
    __asm__ volatile(groups "addi %[inputs], %[inputs], " bytes "\n addi %[weights], %[weights], " bytes "\n"          \
                     : [weights] "+a"(*weights), [inputs] "+a"(*inputs), [sum0] "+a"(sum[0]), [sum1] "+a"(sum[1]),     \
                       [sum2] "+a"(sum[2]), [sum3] "+a"(sum[3]), [x0] "=&a"(x0), [x1] "=&a"(x1), [x2] "=&a"(x2),       \
                       [x3] "=&a"(x3), [w] "=&a"(w), [t] "=&a"(t)                                                      \
                     : [mask] "a"(mask)                                                                                \
                     : "memory")

static inline void add_group(const uint32_t **weights, const uint32_t **inputs, uint32_t mask, int32_t *sum)
{
    uint32_t x0, x1, x2, x3, w, t;
    ADD_GROUPS(ADD_GROUP("0"), "16");
}

static inline void add_four_groups(const uint32_t **weights, const uint32_t **inputs, uint32_t mask, int32_t *sum)
{
    uint32_t x0, x1, x2, x3, w, t;
    ADD_GROUPS(ADD_GROUP("0") ADD_GROUP("16") ADD_GROUP("32") ADD_GROUP("48"), "64");
}

#else

static inline int32_t products(uint32_t word, uint32_t mask, const uint32_t *x)
{
    const int32_t even = (int32_t)((word & mask) * x[0] + x[1]) >> 16;
    return even + ((int32_t)((word >> 8 & mask) * x[2] + x[3]) >> 16);
}

static inline void add_group(const uint32_t **weights, const uint32_t **inputs, uint32_t mask, int32_t *sum)
{
    const uint32_t x[INPUT_WORDS] = {(*inputs)[0], (*inputs)[1], (*inputs)[2], (*inputs)[3]};
    sum[0] += products((*weights)[0], mask, x);
    sum[1] += products((*weights)[1], mask, x);
    sum[2] += products((*weights)[2], mask, x);
    sum[3] += products((*weights)[3], mask, x);
    *weights += ROWS;
    *inputs += INPUT_WORDS;
}

static inline void add_four_groups(const uint32_t **weights, const uint32_t **inputs, uint32_t mask, int32_t *sum)
{
    /* Unrolled they would need more registers than there are. */
#pragma GCC unroll 1
    for (int32_t group = 0; group < 4; ++group) {
        add_group(weights, inputs, mask, sum);
    }
}

#endif

/* sums: (4) int32. Returns the weights of the next block. */
__attribute__((noinline)) static const uint32_t *dot_block(const uint32_t *weights, const uint32_t *inputs,
                                                           const uint32_t *end, int32_t *sums)
{
    int32_t sum[ROWS] = {0, 0, 0, 0};
    const uint32_t *const wide_end = inputs + (end - inputs) / WIDE * WIDE;
    while (inputs != wide_end) {
        add_four_groups(&weights, &inputs, MASK, sum);
    }
    while (inputs != end) {
        add_group(&weights, &inputs, MASK, sum);
    }
    /* One by one: an index that varies would keep them in memory all the time. */
    sums[0] = sum[0];
    sums[1] = sum[1];
    sums[2] = sum[2];
    sums[3] = sum[3];
    return weights;
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const uint32_t *weights = layer->weights;
    uint32_t *const inputs = scratch;
    const uint32_t *const end = inputs + (layer->columns + COLUMNS - 1) / COLUMNS * INPUT_WORDS;
    pair_inputs(input, layer->columns, inputs);
    for (int32_t row = 0; row < layer->rows; row += ROWS) {
        int32_t sums[ROWS];
        weights = dot_block(weights, inputs, end, sums);
        finish_rows(layer, row, ROWS, sums, 0, output);
    }
}
