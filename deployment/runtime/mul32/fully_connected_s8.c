/* Xtensa, RV32, Cortex-M0+ and other cores with a multiplier of 32 bits but no vectors: two MACs in a multiplication,
 * and one shift for the products of sixteen columns, or of four.
 *
 * Four weights w0 to w3, each + 128, are a word W = u0 + 2^8 u1 + 2^16 u2 + 2^24 u3. With E = u0 + 2^16 u2 and
 * O = u1 + 2^16 u3, by shift and mask, W = E + 2^8 O. Sixteen or four columns are shifted at once where a
 * proof shows that nothing is lost (grouped_words.inc); where it shows that for few of them, all are computed in pairs
 * of products (paired_products.inc).
 *
 * Weights: blocks of 4 rows (the last one is padded). Each begins with three words: the means of x^2 up to which the
 * proof holds, for 4 (lower 16 bits) and for 16 columns (the next 15 bits); the sums of its rows' weights, 16 bits
 * each. The highest bit of the first word is set where a row's sum does not fit: then x is the input. After them, for
 * every 4 columns, a word of each row. Inputs beyond the last column are as if x were 0.
 * Scratch: for every 16 columns a tz_input_group_t; a tz_block_sums_t; for every 4 of the columns that are left a
 * tz_input_word_t. Or for every 4 columns a tz_input_pairs_t. */
#include "textzoo/fully_connected_s8.h"

#include <string.h>

#include "finish_row.h"

enum { ROWS = 4, COLUMNS = 4, WORDS = 4, WIDE = WORDS * COLUMNS, HEAD = 3, SAMPLE = 2, LOOKS = 4 };
#define MASK 0x00FF00FFu
#define BIAS 0x00800080u
#define HALF 0x8000u
#define MANY 0x80000000u /* a sum of weights beyond 16 bits */

/* Four inputs: the factors of W and O, what is added to the products, the mean of the squares, rounded up. */
typedef struct {
    uint32_t all, odd, start, square;
} tz_input_word_t;

/* Sixteen: the mean of the squares and the largest of the words' means, what is added to all products. */
typedef struct {
    uint32_t square, largest, start;
    tz_input_word_t words[WORDS];
} tz_input_group_t;

/* Behind the groups: a block's sums, and the means up to which its proof holds; then the words that are in no group. */
typedef struct {
    uint32_t sums[ROWS], safe_group, safe_word;
    tz_input_word_t words[];
} tz_block_sums_t;

/* Four inputs for products in pairs: X and Y, and after each what is added to its products. */
typedef struct {
    uint32_t even, even_start, odd, odd_start;
} tz_input_pairs_t;

/* The next four columns, of `left` ones: those that are missing, in `four`, are `middle`. */
static const int8_t *next_four(const int8_t *input, int32_t left, int32_t middle, int8_t *four)
{
    if (left >= COLUMNS) {
        return input;
    }
    memset(four, middle, COLUMNS);
    return (const int8_t *)memcpy(four, input, (size_t)left);
}

/* The inner loops: add_groups, add_word, add_products and add_pairs. */
#if HAND_WRITTEN
#include "xtensa_words.inc"
#else
#include "portable_words.inc"
#endif

#include "grouped_words.inc"
#include "paired_products.inc"

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t middle = (*(const uint32_t *)layer->weights & MANY) != 0 ? 0 : rough_mean(input, layer->columns);
    tz_input_group_t *const groups = (tz_input_group_t *)scratch;
    tz_block_sums_t *const block = prepare_inputs(input, layer->columns, middle, groups);
    if (few_fit(layer, groups, block)) {
        tz_input_pairs_t *const pairs = (tz_input_pairs_t *)scratch;
        multiply_pairs(layer, pairs, prepare_pairs(input, layer->columns, pairs), output);
    } else {
        multiply_groups(layer, groups, block, middle, output);
    }
}
