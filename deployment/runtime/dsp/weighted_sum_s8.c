/* Cortex-M cores with the DSP extension: 1.63 instructions per MAC, for rows whose weight is not 0.
 *
 * Most weights of attention are 0 after rounding: such rows are left out first, which changes no sum. The others are
 * taken in pairs: PKHBT and PKHTB bring two columns of both rows into a word, SXTB16 one column of both into a pair of
 * int16, and SMLAD multiplies it with the pair of weights. Sums wrap like the generic kernel's: the same integers. */
#include "textzoo/weighted_sum_s8.h"

#include <arm_acle.h>
#include <string.h>

#include "../internal/remaining_rows.h"

enum {
    PAIRS = 16, /* of rows, in a chunk */
    GROUP = 4,  /* columns */
    WIDE = 4    /* pairs in an iteration of the loop */
};

/* Two rows with weights that are not 0; the last one may be there twice, once with the weight 0. */
typedef struct {
    const int8_t *first, *second;
    uint32_t weights; /* the first row's in the lower half */
} tz_row_pair_t;

static inline uint32_t load_word(const void *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Moves on to the next row with a weight that is not 0, or to the end. */
static inline void skip_rows(tz_remaining_rows_t *remaining, int32_t length)
{
    while (remaining->weight != remaining->end && !*remaining->weight) {
        remaining->row += length;
        ++remaining->weight;
    }
}

/* The next pairs, at most PAIRS; returns their end. */
static tz_row_pair_t *select_pairs(tz_remaining_rows_t *given, int32_t length, tz_row_pair_t *pairs)
{
    const tz_row_pair_t *const full = pairs + PAIRS;
    tz_remaining_rows_t remaining = *given;
    for (; pairs != full; ++pairs) {
        skip_rows(&remaining, length);
        if (remaining.weight == remaining.end) {
            break;
        }
        *pairs = (tz_row_pair_t){remaining.row, remaining.row, (uint16_t)*remaining.weight++};
        remaining.row += length;
        skip_rows(&remaining, length);
        if (remaining.weight == remaining.end) {
            ++pairs;
            break;
        }
        pairs->second = remaining.row;
        pairs->weights |= (uint32_t)(uint16_t)*remaining.weight++ << 16;
        remaining.row += length;
    }
    *given = remaining;
    return pairs;
}

#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

#define ONE_PAIR                                                                                                       \
    "ldmia %[pair]!, {r4, r5, r6}\n"                                                                                   \
    "ldr r4, [r4, %[column]]\n"                                                                                        \
    "ldr r5, [r5, %[column]]\n"                                                                                        \
    "pkhbt r8, r4, r5, lsl #16\n"                                                                                      \
    "pkhtb r5, r5, r4, asr #16\n"                                                                                      \
    "sxtb16 r4, r8\n"                                                                                                  \
    "sxtb16 r8, r8, ror #8\n"                                                                                          \
    "smlad %[sum0], r4, r6, %[sum0]\n"                                                                                 \
    "sxtb16 r4, r5\n"                                                                                                  \
    "smlad %[sum1], r8, r6, %[sum1]\n"                                                                                 \
    "sxtb16 r5, r5, ror #8\n"                                                                                          \
    "smlad %[sum2], r4, r6, %[sum2]\n"                                                                                 \
    "smlad %[sum3], r5, r6, %[sum3]\n"
#define ADD_PAIRS(pairs)                                                                                               \
    __asm__ volatile(pairs                                                                                             \
                     : [pair] "+r"(pair), [sum0] "+r"(sum0), [sum1] "+r"(sum1), [sum2] "+r"(sum2), [sum3] "+r"(sum3)   \
                     : [column] "r"(column)                                                                            \
                     : "r4", "r5", "r6", "r8", "memory")

/* Four columns of the pairs. */
static void add_group(const tz_row_pair_t *pair, const tz_row_pair_t *end, int32_t column, int32_t *sums)
{
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
    const tz_row_pair_t *const wide_end = pair + ((end - pair) & -WIDE);
    while (pair != wide_end) {
        ADD_PAIRS(ONE_PAIR ONE_PAIR ONE_PAIR ONE_PAIR);
    }
    while (pair != end) {
        ADD_PAIRS(ONE_PAIR);
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

#else

static void add_group(const tz_row_pair_t *pair, const tz_row_pair_t *end, int32_t column, int32_t *sums)
{
    for (; pair != end; ++pair) {
        const uint32_t a = load_word(pair->first + column), b = load_word(pair->second + column);
        const uint32_t lower = (a & 0xFFFFu) | b << 16, upper = a >> 16 | (b & 0xFFFF0000u);
        const int32_t weights = (int32_t)pair->weights;
        sums[0] = __smlad(__sxtb16((int32_t)lower), weights, sums[0]);
        sums[1] = __smlad(__sxtb16((int32_t)(lower >> 8)), weights, sums[1]);
        sums[2] = __smlad(__sxtb16((int32_t)upper), weights, sums[2]);
        sums[3] = __smlad(__sxtb16((int32_t)(upper >> 8)), weights, sums[3]);
    }
}

#endif

static int32_t add_column(const tz_row_pair_t *pair, const tz_row_pair_t *end, int32_t column, int32_t sum)
{
    for (; pair != end; ++pair) {
        const int32_t weights = (int32_t)pair->weights;
        sum += (int16_t)weights * pair->first[column] + (weights >> 16) * pair->second[column];
    }
    return sum;
}

static void add_pairs(const tz_row_pair_t *pairs, const tz_row_pair_t *end, int32_t length, int32_t *sums)
{
    int32_t column = 0;
    for (; column + GROUP <= length; column += GROUP) {
        add_group(pairs, end, column, sums + column);
    }
    for (; column < length; ++column) {
        sums[column] = add_column(pairs, end, column, sums[column]);
    }
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    tz_row_pair_t pairs[PAIRS]; /* as many as select_pairs finds */
    tz_remaining_rows_t remaining = {rows, weights, weights + count};
    for (int32_t column = 0; column < length; ++column) {
        sums[column] = 0;
    }
    while (remaining.weight != remaining.end) {
        add_pairs(pairs, select_pairs(&remaining, length, pairs), length, sums);
    }
}
