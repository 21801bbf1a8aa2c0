/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors: two MACs in a multiplication, and one shift
 * for the products of sixteen columns, or of four.
 *
 * Four weights w0 to w3, each + 128, are a word W = u0 + 2^8 u1 + 2^16 u2 + 2^24 u3. With E = u0 + 2^16 u2 and
 * O = u1 + 2^16 u3, which a shift and a mask cut out, W = E + 2^8 O. All of what follows is modulo 2^32.
 *
 *   E * (x2 + 2^16 x0) = u0 x2 + 2^16 (u0 x0 + u2 x2)          E has this factor X, O in the same way
 *   O * (x3 + 2^16 x1) = u1 x3 + 2^16 (u1 x1 + u3 x3)          this factor Y
 *   W * X + O * (Y - 2^8 X) = E * X + O * Y                    so that E need not be cut out
 *
 * The sum of these over some words is larger than with w for u by 0x00800080 * (X + Y), summed over the words, which
 * depends on the inputs alone: it is taken off, and 2^15 added, once for all rows. What comes out is L + 2^15 + 2^16 M.
 * M, the sum of w x over these columns, is what is wanted; L is the sum of w0 x2 and w1 x3. By Cauchy and Schwarz
 * the squares of both are at most
 *
 *   (sum of w^2) * (sum of x^2)                                over these columns
 *
 * Where this is at most 32767^2, L + 2^15 lies in [0, 2^16) and changes nothing above, and M fits the upper 16 bits
 * with its sign: the result >> 16 is M, exactly. The largest sums of w^2, over 16 and over 4 columns of any row of a
 * block, are known when compiling; those of x^2 are found once for all rows. Where neither proof holds, a word is taken
 * apart and its products are computed one by one.
 *
 * Squares are smallest around the mean, which behind a ReLU is far from 0. So x is the input less a number near their
 * mean, at most 255, and the sums of the rows' weights, times that number, are added: all of it modulo 2^32, to which
 * the sums with the inputs themselves fit.
 *
 * Where no proof holds for many words, all is done in pairs, with the inputs as they are:
 * (E * X + 2^15 - 0x00800080 * X) >> 16 is w0 x0 + w2 x2, at most 2 * 127 * 128 = 32512, and w0 x2 is at most 16256;
 * the same with O * Y. That takes 12 instructions for 4 MACs instead of 7 or 9.
 *
 * Weights: blocks of 4 rows (the last one is filled up). Each begins with three words: the means of x^2 up to which the
 * proof holds, for 4 (lower 16 bits) and for 16 columns (the next 15 bits); the sums of its rows' weights, 16 bits
 * each. The highest bit of the first word is set where a row's sum does not fit: then x is the input. After them, for
 * every 4 columns, a word of each row. Inputs beyond the last column are as if x were 0.
 * Scratch: for every 16 columns a group_t; a rest_t; for every 4 of the columns that are left a word_t. Or for every 4
 * columns a pairs_t. */
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
} word_t;

/* Sixteen: the mean of the squares and the largest of the words' means, what is added to all products. */
typedef struct {
    uint32_t square, largest, start;
    word_t words[WORDS];
} group_t;

/* Behind the groups: a block's sums, and the means up to which its proof holds; then the words that are in no group. */
typedef struct {
    uint32_t sums[ROWS], safe_group, safe_word;
    word_t words[];
} rest_t;

/* Four inputs for products in pairs: X and Y, and after each what is added to its products. */
typedef struct {
    uint32_t even, even_start, odd, odd_start;
} pairs_t;

/* About the mean: that of every second input. */
static int32_t usual_input(const int8_t *input, int32_t columns)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < columns; column += SAMPLE) {
        sum += input[column];
    }
    return sum / ((columns + SAMPLE - 1) / SAMPLE);
}

static inline word_t word_of(const int8_t *input, int32_t usual)
{
    const int32_t x0 = input[0] - usual, x1 = input[1] - usual, x2 = input[2] - usual, x3 = input[3] - usual;
    const uint32_t even = (uint32_t)x2 + ((uint32_t)x0 << 16), odd = (uint32_t)x3 + ((uint32_t)x1 << 16);
    const uint32_t squares = (uint32_t)(x0 * x0 + x1 * x1 + x2 * x2 + x3 * x3);
    return (word_t){even, odd - (even << 8), HALF - BIAS * (even + odd), (squares + COLUMNS - 1) / COLUMNS};
}

/* The next four columns, of `left` ones: those that are missing, in `four`, are `usual`. */
static const int8_t *next_four(const int8_t *input, int32_t left, int32_t usual, int8_t *four)
{
    if (left >= COLUMNS) {
        return input;
    }
    memset(four, usual, COLUMNS);
    return memcpy(four, input, (size_t)left);
}

static void prepare_group(const int8_t *input, int32_t usual, group_t *group)
{
    uint32_t squares = WORDS - 1, largest = 0, start = HALF - WORDS * HALF;
#pragma GCC unroll 1
    for (int32_t i = 0; i < WORDS; ++i, input += COLUMNS) {
        const word_t word = word_of(input, usual);
        group->words[i] = word;
        squares += word.square;
        largest = word.square > largest ? word.square : largest;
        start += word.start;
    }
    group->square = squares / WORDS;
    group->largest = largest;
    group->start = start;
}

/* What lies behind the groups; its words are filled. */
static rest_t *prepare_inputs(const int8_t *input, int32_t columns, int32_t usual, group_t *group)
{
    for (; columns >= WIDE; columns -= WIDE, input += WIDE) {
        prepare_group(input, usual, group++);
    }
    rest_t *const rest = (rest_t *)(void *)group;
    int8_t four[COLUMNS];
    for (word_t *word = rest->words; columns > 0; columns -= COLUMNS, input += COLUMNS) {
        *word++ = word_of(next_four(input, columns, usual, four), usual);
    }
    return rest;
}

/* Returns the end of the pairs. */
static pairs_t *prepare_pairs(const int8_t *input, int32_t columns, pairs_t *pairs)
{
    int8_t four[COLUMNS];
#pragma GCC unroll 1
    for (; columns > 0; columns -= COLUMNS, input += COLUMNS) {
        const int8_t *const x = next_four(input, columns, 0, four);
        const uint32_t even = (uint32_t)x[2] + ((uint32_t)x[0] << 16), odd = (uint32_t)x[3] + ((uint32_t)x[1] << 16);
        *pairs++ = (pairs_t){even, HALF - BIAS * even, odd, HALF - BIAS * odd};
    }
    return pairs;
}

/* The groups with a word for which the proof fails, 5 for each, less those without, 3 for each. */
static int32_t balance_of(const group_t *group, const rest_t *rest, uint32_t safe_word)
{
    int32_t balance = 0;
    for (; group != (const void *)rest; ++group) {
        balance += group->largest <= safe_word ? -3 : 5;
    }
    return balance;
}

/* Whether so many of them fail, in some of the blocks, that pairs are faster. */
static int few_fit(const tz_fully_connected_s8_t *layer, const group_t *groups, const rest_t *rest)
{
    const uint32_t *const heads = layer->weights;
    const int32_t blocks = (layer->rows + ROWS - 1) / ROWS, step = (blocks + LOOKS - 1) / LOOKS;
    const int32_t stride = HEAD + ROWS * ((layer->columns + COLUMNS - 1) / COLUMNS);
    int32_t balance = 0;
    for (int32_t block = 0; block < blocks; block += step) {
        balance += balance_of(groups, rest, heads[block * stride] & 0xFFFF);
    }
    return balance > 0;
}

#if HAND_WRITTEN

/* By hand, because GCC's order of these needs more registers than there are. */
#define MULTIPLY(row)                                                                                                  \
    "l32i %[w], %[weights], " row "\n"                                                                                 \
    "mull %[t], %[w], %[all]\n"                                                                                        \
    "srli %[w], %[w], 8\n"                                                                                             \
    "and %[w], %[w], %[mask]\n"                                                                                        \
    "mull %[w], %[w], %[odd]\n"
#define FACTORS(word) "l32i %[all], %[inputs], " word "\n l32i %[odd], %[inputs], 4 + " word "\n"
#define ROWS_OF(CODE, place)                                                                                           \
    CODE("%[a]", "0 + " place) CODE("%[b]", "4 + " place) CODE("%[c]", "8 + " place) CODE("%[d]", "12 + " place)

/* A word of each row, added to a, b, c, d and shifted later. The start lies in d, which the last row of the first word
 * keeps. Places are those in group_t and rest_t. */
#define ADD_FIRST(total, row) MULTIPLY(row) "add " total ", %[d], %[t]\n add " total ", " total ", %[w]\n"
#define ADD_NEXT(total, row) MULTIPLY(row) "add " total ", " total ", %[t]\n add " total ", " total ", %[w]\n"
#define ADD_GROUP                                                                                                      \
    "l32i %[d], %[inputs], 8\n" FACTORS("12") ROWS_OF(ADD_FIRST, "0") FACTORS("28") ROWS_OF(ADD_NEXT, "16")            \
        FACTORS("44") ROWS_OF(ADD_NEXT, "32") FACTORS("60") ROWS_OF(ADD_NEXT, "48")
#define ADD_UPPER(total, place)                                                                                        \
    "l32i %[t], %[rest], " place "\n srai " total ", " total ", 16\n"                                                  \
    "add %[t], %[t], " total "\n s32i %[t], %[rest], " place "\n"

/* The same, shifted at once. */
#define ADD_SHIFTED(sum, row)                                                                                          \
    MULTIPLY(row)                                                                                                      \
    "add %[t], %[t], %[start]\n add %[t], %[t], %[w]\n srai %[t], %[t], 16\n add " sum ", " sum ", %[t]\n"
#define ADD_WORD(word, place) FACTORS(word) "l32i %[start], %[inputs], 8 + " word "\n" ROWS_OF(ADD_SHIFTED, place)
#define LOAD_SUM(sum, place) "l32i " sum ", %[rest], " place "\n"
#define STORE_SUM(sum, place) "s32i " sum ", %[rest], " place "\n"

#define NEXT_GROUP "addi %[inputs], %[inputs], 76\n addi %[weights], %[weights], 64\n"
#define GO_IF_SAFE(mean, safe, label)                                                                                 \
    "l32i %[w], %[inputs], " mean "\n l32i %[t], %[rest], " safe "\n bgeu %[t], %[w], " label "\n"

/* Groups added to the sums as long as a proof holds. */
static inline void add_groups(const uint32_t **weights, const group_t **group, uint32_t mask, rest_t *rest)
{
    uint32_t a, b, c, d, all, odd, start, w, t;
    __asm__ volatile("j 2f\n"
                     "1:\n" ADD_GROUP ROWS_OF(ADD_UPPER, "0") NEXT_GROUP
                     "2: beq %[inputs], %[rest], 6f\n" GO_IF_SAFE("0", "16", "1b") GO_IF_SAFE("4", "20", "3f")
                     "j 6f\n"
                     "3:\n" ROWS_OF(LOAD_SUM, "0")
                     "4:\n" ADD_WORD("12", "0") ADD_WORD("28", "16") ADD_WORD("44", "32") ADD_WORD("60", "48")
                     NEXT_GROUP "beq %[inputs], %[rest], 5f\n" GO_IF_SAFE("0", "16", "5f") GO_IF_SAFE("4", "20", "4b")
                     "5:\n" ROWS_OF(STORE_SUM, "0") "j 2b\n"
                     "6:\n"
                     : [a] "=&a"(a), [b] "=&a"(b), [c] "=&a"(c), [d] "=&a"(d), [all] "=&a"(all), [odd] "=&a"(odd),
                       [start] "=&a"(start), [w] "=&a"(w), [t] "=&a"(t), [weights] "+a"(*weights),
                       [inputs] "+a"(*group)
                     : [rest] "a"(rest), [mask] "a"(mask)
                     : "memory");
}

static inline void add_word(const uint32_t *weights, const word_t *inputs, uint32_t mask, uint32_t *sum)
{
    uint32_t all, odd, start, w, t;
    __asm__ volatile(ADD_WORD("0", "0")
                     : [a] "+a"(sum[0]), [b] "+a"(sum[1]), [c] "+a"(sum[2]), [d] "+a"(sum[3]), [all] "=&a"(all),
                       [odd] "=&a"(odd), [start] "=&a"(start), [w] "=&a"(w), [t] "=&a"(t)
                     : [weights] "a"(weights), [inputs] "a"(inputs), [mask] "a"(mask)
                     : "memory");
}

#define ADD_BYTES(sum, row)                                                                                            \
    "l32i %[w], %[weights], " row "\n"                                                                                 \
    "extui %[t], %[w], 0, 8\n mull %[t], %[t], %[x0]\n add " sum ", " sum ", %[t]\n"                                   \
    "extui %[t], %[w], 8, 8\n mull %[t], %[t], %[x1]\n add " sum ", " sum ", %[t]\n"                                   \
    "extui %[t], %[w], 16, 8\n mull %[t], %[t], %[x2]\n add " sum ", " sum ", %[t]\n"                                  \
    "extui %[t], %[w], 24, 8\n mull %[t], %[t], %[x3]\n add " sum ", " sum ", %[t]\n"

static inline void add_products(const uint32_t *weights, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3,
                                uint32_t *sum)
{
    uint32_t w, t;
    __asm__ volatile(
        ROWS_OF(ADD_BYTES, "0")
        : [a] "+a"(sum[0]), [b] "+a"(sum[1]), [c] "+a"(sum[2]), [d] "+a"(sum[3]), [w] "=&a"(w), [t] "=&a"(t)
        : [weights] "a"(weights), [x0] "a"(x0), [x1] "a"(x1), [x2] "a"(x2), [x3] "a"(x3)
        : "memory");
}

#define PAIRS_OF(sum, row)                                                                                             \
    "l32i %[w], %[weights], " row "\n"                                                                                 \
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

static inline void add_pairs(const uint32_t *weights, const pairs_t *pairs, uint32_t mask, uint32_t *sum)
{
    uint32_t x0, x1, x2, x3, w, t;
    __asm__ volatile("l32i %[x0], %[pairs], 0\n"
                     "l32i %[x1], %[pairs], 4\n"
                     "l32i %[x2], %[pairs], 8\n"
                     "l32i %[x3], %[pairs], 12\n" ROWS_OF(PAIRS_OF, "0")
                     : [a] "+a"(sum[0]), [b] "+a"(sum[1]), [c] "+a"(sum[2]), [d] "+a"(sum[3]), [x0] "=&a"(x0),
                       [x1] "=&a"(x1), [x2] "=&a"(x2), [x3] "=&a"(x3), [w] "=&a"(w), [t] "=&a"(t)
                     : [weights] "a"(weights), [pairs] "a"(pairs), [mask] "a"(mask)
                     : "memory");
}

#else

/* Otherwise compilers load all words at once, for which there are not enough registers. */
#define IN_ORDER(sum) __asm__ volatile("" : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3]) : : "memory")

static inline uint32_t products(uint32_t word, uint32_t mask, const word_t *x)
{
    return word * x->all + (word >> 8 & mask) * x->odd;
}

static inline void add_group(const uint32_t *weights, const group_t *inputs, uint32_t mask, uint32_t *sum)
{
    uint32_t total[ROWS] = {inputs->start, inputs->start, inputs->start, inputs->start};
#pragma GCC unroll 4
    for (int32_t i = 0; i < WORDS; ++i, weights += ROWS) {
        const word_t x = inputs->words[i];
        total[0] += products(weights[0], mask, &x);
        total[1] += products(weights[1], mask, &x);
        total[2] += products(weights[2], mask, &x);
        total[3] += products(weights[3], mask, &x);
        IN_ORDER(total);
    }
    sum[0] += (uint32_t)((int32_t)total[0] >> 16);
    sum[1] += (uint32_t)((int32_t)total[1] >> 16);
    sum[2] += (uint32_t)((int32_t)total[2] >> 16);
    sum[3] += (uint32_t)((int32_t)total[3] >> 16);
}

static inline void add_word(const uint32_t *weights, const word_t *inputs, uint32_t mask, uint32_t *sum)
{
    const word_t x = *inputs;
    sum[0] += (uint32_t)((int32_t)(products(weights[0], mask, &x) + x.start) >> 16);
    sum[1] += (uint32_t)((int32_t)(products(weights[1], mask, &x) + x.start) >> 16);
    sum[2] += (uint32_t)((int32_t)(products(weights[2], mask, &x) + x.start) >> 16);
    sum[3] += (uint32_t)((int32_t)(products(weights[3], mask, &x) + x.start) >> 16);
    IN_ORDER(sum);
}

static inline void add_four_words(const uint32_t *weights, const group_t *inputs, uint32_t mask, uint32_t *sum)
{
#pragma GCC unroll 4
    for (int32_t i = 0; i < WORDS; ++i) {
        add_word(weights + ROWS * i, inputs->words + i, mask, sum);
    }
}

/* Groups added to the sums as long as a proof holds. */
static inline void add_groups(const uint32_t **weights, const group_t **group, uint32_t mask, rest_t *rest)
{
    const uint32_t safe_group = rest->safe_group, safe_word = rest->safe_word;
    uint32_t sum[ROWS] = {rest->sums[0], rest->sums[1], rest->sums[2], rest->sums[3]};
    for (; *group != (const void *)rest; ++*group, *weights += ROWS * WORDS) {
        if ((*group)->square <= safe_group) {
            add_group(*weights, *group, mask, sum);
        } else if ((*group)->largest <= safe_word) {
            add_four_words(*weights, *group, mask, sum);
        } else {
            break;
        }
    }
    /* One by one: an index that varies would keep them in memory all the time. */
    rest->sums[0] = sum[0];
    rest->sums[1] = sum[1];
    rest->sums[2] = sum[2];
    rest->sums[3] = sum[3];
}

static inline void add_products(const uint32_t *weights, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3,
                                uint32_t *sum)
{
#pragma GCC unroll 4
    for (int32_t row = 0; row < ROWS; ++row) {
        const uint32_t w = weights[row];
        sum[row] += (w & 0xFF) * x0 + (w >> 8 & 0xFF) * x1 + (w >> 16 & 0xFF) * x2 + (w >> 24) * x3;
    }
}

static inline void add_pairs(const uint32_t *weights, const pairs_t *pairs, uint32_t mask, uint32_t *sum)
{
    const pairs_t x = *pairs;
#pragma GCC unroll 4
    for (int32_t row = 0; row < ROWS; ++row) {
        const uint32_t w = weights[row];
        sum[row] += (uint32_t)((int32_t)((w & mask) * x.even + x.even_start) >> 16);
        sum[row] += (uint32_t)((int32_t)((w >> 8 & mask) * x.odd + x.odd_start) >> 16);
    }
    IN_ORDER(sum);
}

#endif

static inline void add_bytes(const uint32_t *weights, const word_t *word, uint32_t *sum)
{
    const uint32_t even = word->all, odd = word->odd + (even << 8);
    const uint32_t x2 = (uint32_t)(int16_t)even, x0 = (uint32_t)((int32_t)(even - x2) >> 16);
    const uint32_t x3 = (uint32_t)(int16_t)odd, x1 = (uint32_t)((int32_t)(odd - x3) >> 16);
    const uint32_t too_much = 128 * (x0 + x1 + x2 + x3);
    add_products(weights, x0, x1, x2, x3, sum);
    sum[0] -= too_much;
    sum[1] -= too_much;
    sum[2] -= too_much;
    sum[3] -= too_much;
}

/* sums: (4), to which some words are added, each in its way. Returns the weights behind them. */
__attribute__((noinline)) static const uint32_t *add_each(const uint32_t *weights, const word_t *word, int32_t count,
                                                          uint32_t safe, uint32_t *sums)
{
    uint32_t sum[ROWS] = {sums[0], sums[1], sums[2], sums[3]};
    for (const word_t *const end = word + count; word != end; ++word, weights += ROWS) {
        if (word->square <= safe) {
            add_word(weights, word, MASK, sum);
        } else {
            add_bytes(weights, word, sum);
        }
    }
    sums[0] = sum[0];
    sums[1] = sum[1];
    sums[2] = sum[2];
    sums[3] = sum[3];
    return weights;
}

static inline void start_block(const uint32_t *head, int32_t usual, rest_t *rest)
{
    rest->safe_word = head[0] & 0xFFFF;
    rest->safe_group = head[0] >> 16 & 0x7FFF;
    rest->sums[0] = (uint32_t)((int16_t)head[1] * usual);
    rest->sums[1] = (uint32_t)((int16_t)(head[1] >> 16) * usual);
    rest->sums[2] = (uint32_t)((int16_t)head[2] * usual);
    rest->sums[3] = (uint32_t)((int16_t)(head[2] >> 16) * usual);
}

/* A block, added to the sums in `rest`, which has `count` words. Returns the weights of the next one. */
static inline const uint32_t *dot_block(const uint32_t *weights, const group_t *group, rest_t *rest, int32_t count)
{
    for (;; ++group) {
        add_groups(&weights, &group, MASK, rest);
        if (group == (const void *)rest) {
            break;
        }
        weights = add_each(weights, group->words, WORDS, rest->safe_word, rest->sums);
    }
    return count != 0 ? add_each(weights, rest->words, count, rest->safe_word, rest->sums) : weights;
}

/* sums: (4) of a block, in pairs. Returns the weights of the next one. */
__attribute__((noinline)) static const uint32_t *dot_pairs(const uint32_t *weights, const pairs_t *pairs,
                                                           const pairs_t *end, int32_t *sums)
{
    uint32_t sum[ROWS] = {0, 0, 0, 0};
    for (; pairs != end; ++pairs, weights += ROWS) {
        add_pairs(weights, pairs, MASK, sum);
    }
    sums[0] = (int32_t)sum[0];
    sums[1] = (int32_t)sum[1];
    sums[2] = (int32_t)sum[2];
    sums[3] = (int32_t)sum[3];
    return weights;
}

static void multiply_pairs(const tz_fully_connected_s8_t *layer, const pairs_t *pairs, const pairs_t *end,
                           int8_t *output)
{
    const uint32_t *weights = layer->weights;
    for (int32_t row = 0; row < layer->rows; row += ROWS) {
        int32_t sums[ROWS];
        weights = dot_pairs(weights + HEAD, pairs, end, sums);
        finish_rows(layer, row, ROWS, sums, 0, output);
    }
}

static void multiply_groups(const tz_fully_connected_s8_t *layer, const group_t *groups, rest_t *rest, int32_t usual,
                            int8_t *output)
{
    const uint32_t *weights = layer->weights;
    const int32_t count = (layer->columns % WIDE + COLUMNS - 1) / COLUMNS;
    for (int32_t row = 0; row < layer->rows; row += ROWS) {
        start_block(weights, usual, rest);
        weights = dot_block(weights + HEAD, groups, rest, count);
        finish_rows(layer, row, ROWS, (const int32_t *)rest->sums, 0, output);
    }
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t usual = (*(const uint32_t *)layer->weights & MANY) != 0 ? 0 : usual_input(input, layer->columns);
    rest_t *const rest = prepare_inputs(input, layer->columns, usual, scratch);
    if (few_fit(layer, scratch, rest)) {
        multiply_pairs(layer, scratch, prepare_pairs(input, layer->columns, scratch), output);
    } else {
        multiply_groups(layer, scratch, rest, usual, output);
    }
}
