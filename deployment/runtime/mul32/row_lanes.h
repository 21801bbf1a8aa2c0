/* FULLY_CONNECTED of weights in few bits: two rows in the two ends of 16 bits, one multiplication for both. Included by
 * the kernels after they define what differs:
 *
 *   BITS       of a weight
 *   OFFSET     what is added to a weight, so that it is not negative
 *   SEPARATE   columns after which the sums are taken apart; a multiple of WORD_COLUMNS
 *
 * A word holds the codes u = w + OFFSET of WORD_COLUMNS columns of a pair of rows; shifted by a multiple of BITS and cut
 * out with a mask it is u0 + 2^16 u1 of one column. Its product with x, an int8 with its sign, is u0 x + 2^16 u1 x modulo
 * 2^32, and so are sums of them: S0 + 2^16 S1. As long as both sums fit 16 bits with their signs (each kernel shows that
 * they do for SEPARATE columns), S0 is the lower half with its sign, and S1 what is left of the upper one. From the sums
 * over all columns OFFSET times the sum of x is taken off.
 *
 * Weights: blocks of 8 rows (the last one is filled up), in each for every WORD_COLUMNS columns a word of each pair of
 * rows; the first column in the lowest bits of its halves, the first row of a pair in the lower half.
 * Scratch: (columns, rounded up to WORD_COLUMNS) int32: the inputs, filled up with zeros. */
#ifndef TEXTZOO_ROW_LANES_H
#define TEXTZOO_ROW_LANES_H

#include "finish_row.h"
#include "textzoo/fully_connected_s8.h"

enum { ROWS = 8, PAIRS = 4, WORD_COLUMNS = 16 / BITS };
#define MASK (0x00010001u * ((1u << BITS) - 1u))

/* inputs: (padded) int32. Returns their sum. */
static int32_t widen_inputs(const int8_t *input, int32_t columns, int32_t padded, int32_t *inputs)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < padded; ++column) {
        inputs[column] = column < columns ? input[column] : 0;
        sum += inputs[column];
    }
    return sum;
}

/* The next WORD_COLUMNS columns of a block, added to both[0] to both[3]. */
#if HAND_WRITTEN

/* By hand, because GCC's order of these needs more registers than there are. */
#define ADD_PAIR(word, both) "and %[t], " word ", %[mask]\n mull %[t], %[t], %[x]\n add " both ", " both ", %[t]\n"
#define ADD_COLUMN(column)                                                                                             \
    "l32i %[x], %[inputs], 4 * " #column "\n" ADD_PAIR("%[w0]", "%[b0]") ADD_PAIR("%[w1]", "%[b1]")                    \
        ADD_PAIR("%[w2]", "%[b2]") ADD_PAIR("%[w3]", "%[b3]")
#define NEXT_COLUMN(bits, column)                                                                                      \
    "srli %[w0], %[w0], " #bits "\n srli %[w1], %[w1], " #bits "\n srli %[w2], %[w2], " #bits                          \
    "\n srli %[w3], %[w3], " #bits "\n" ADD_COLUMN(column)
#define COLUMNS_2                                                                                                      \
    ADD_COLUMN(0) NEXT_COLUMN(2, 1) NEXT_COLUMN(2, 2) NEXT_COLUMN(2, 3) NEXT_COLUMN(2, 4) NEXT_COLUMN(2, 5)            \
        NEXT_COLUMN(2, 6) NEXT_COLUMN(2, 7) "addi %[inputs], %[inputs], 32\n"
#define COLUMNS_4                                                                                                      \
    ADD_COLUMN(0) NEXT_COLUMN(4, 1) NEXT_COLUMN(4, 2) NEXT_COLUMN(4, 3) "addi %[inputs], %[inputs], 16\n"

static inline void add_word(const uint32_t **weights, const int32_t **inputs, uint32_t mask, uint32_t *both)
{
    uint32_t w0, w1, w2, w3, x, t;
    __asm__ volatile("l32i %[w0], %[weights], 0\n"
                     "l32i %[w1], %[weights], 4\n"
                     "l32i %[w2], %[weights], 8\n"
                     "l32i %[w3], %[weights], 12\n"
                     "addi %[weights], %[weights], 16\n" COLUMNS
                     : [weights] "+a"(*weights), [inputs] "+a"(*inputs), [b0] "+a"(both[0]), [b1] "+a"(both[1]),
                       [b2] "+a"(both[2]), [b3] "+a"(both[3]), [w0] "=&a"(w0), [w1] "=&a"(w1), [w2] "=&a"(w2),
                       [w3] "=&a"(w3), [x] "=&a"(x), [t] "=&a"(t)
                     : [mask] "a"(mask)
                     : "memory");
}

#else

static inline void add_word(const uint32_t **weights, const int32_t **inputs, uint32_t mask, uint32_t *both)
{
    const uint32_t *const words = *weights;
    const uint32_t w0 = words[0], w1 = words[1], w2 = words[2], w3 = words[3];
#pragma GCC unroll 8
    for (int32_t column = 0; column < WORD_COLUMNS; ++column) {
        const uint32_t x = (uint32_t)(*inputs)[column];
        both[0] += (w0 >> column * BITS & mask) * x;
        both[1] += (w1 >> column * BITS & mask) * x;
        both[2] += (w2 >> column * BITS & mask) * x;
        both[3] += (w3 >> column * BITS & mask) * x;
    }
    *weights += PAIRS;
    *inputs += WORD_COLUMNS;
}

#endif

static inline void separate(uint32_t both, int32_t *sums)
{
    const int32_t low = (int32_t)(both << 16) >> 16;
    sums[0] += low;
    sums[1] += (int32_t)(both - (uint32_t)low) >> 16;
}

/* At most SEPARATE columns of a block, added to sums (8). Returns the weights behind them. */
__attribute__((noinline)) static const uint32_t *dot_part(const uint32_t *weights, const int32_t *inputs,
                                                          const int32_t *end, int32_t *sums)
{
    uint32_t both[PAIRS] = {0, 0, 0, 0};
    while (inputs != end) {
        add_word(&weights, &inputs, MASK, both);
    }
    /* One by one: an index that varies would keep them in memory all the time. */
    separate(both[0], sums);
    separate(both[1], sums + 2);
    separate(both[2], sums + 4);
    separate(both[3], sums + 6);
    return weights;
}

static inline void fully_connected(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                   void *scratch)
{
    const uint32_t *weights = layer->weights;
    int32_t *const inputs = scratch;
    const int32_t padded = (layer->columns + WORD_COLUMNS - 1) / WORD_COLUMNS * WORD_COLUMNS;
    const int32_t too_much = OFFSET * widen_inputs(input, layer->columns, padded, inputs);
    for (int32_t row = 0; row < layer->rows; row += ROWS) {
        int32_t sums[ROWS] = {0};
        for (int32_t column = 0; column < padded; column += SEPARATE) {
            const int32_t last = column + SEPARATE < padded ? column + SEPARATE : padded;
            weights = dot_part(weights, inputs + column, inputs + last, sums);
        }
        finish_rows(layer, row, ROWS, sums, too_much, output);
    }
}

#endif
