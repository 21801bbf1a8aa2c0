/* Cortex-M cores with the DSP extension: for values, 1.4 instructions per MAC of positions whose probability is not 0.
 *
 * Such positions are listed first; most others are known by their exponential. SXTAB16 adds 128 to two columns of a row:
 * numbers u from 0 to 255. MLA multiplies both at once with the probability w: the word of u0 and u2 is
 * 2^16 u2 + u0, so that sums come to 2^16 sum(w u2) + sum(w u0). Both parts fit 16 bits as long as the w of a list sum to
 * at most 257, because 255 * 257 = 2^16 - 1. Probabilities of 8 bits sum to about 256: one list is enough, or two. What
 * the 128 add, 128 times the sum of all w, is taken off together with the zero point. */
#include "textzoo/attention_s8.h"

#include "../internal/softmax_parts.h"
#include "attention_scores.h"

enum {
    ROWS = 32,      /* in a list */
    LARGEST = 257,  /* sum of its weights */
    GROUP = 8,      /* columns */
    WIDE = 4,       /* rows in one iteration of the loop */
    BIAS = 128,
    BIASES = 0x00800080
};

/* A row of values, and its probability in [1, 255]. */
typedef struct {
    const int8_t *row;
    int32_t weight;
} tz_weighted_row_t;

/* Exponentials that are still to be examined, and the row of the next one. */
typedef struct {
    const int32_t *next, *end;
    const int8_t *row;
    int32_t total; /* of all weights so far */
} tz_positions_t;

/* Scores become exponentials; returns the sum of all. They are not negative: tz_divide_by_power rounds half up. */
static int32_t raise(const tz_attention_s8_t *attention, int32_t *scores, int32_t largest, int32_t valid)
{
    const int32_t *table = (const int32_t *)attention->exponentials;
    const int32_t distances = attention->distances;
    uint32_t sum = (uint32_t)tz_masked_sum_s8(attention, largest, valid);
    for (int32_t *const end = scores + valid; scores != end; ++scores) {
        const int32_t distance = largest - *scores;
        int32_t exponential = 0;
        if (distance < distances) {
            exponential = table[distance];
            sum += ((uint32_t)exponential + (1u << (TZ_DROPPED_BITS - 1))) >> TZ_DROPPED_BITS;
        }
        *scores = exponential;
    }
    return (int32_t)sum;
}

/* (addend * 2^32 + a * b + 2^31) >> 32 */
static inline int32_t add_upper_product(int32_t addend, int32_t a, int32_t b)
{
    int32_t sum;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(addend));
    return sum;
}

/* The next rows with a weight, until a list is full; returns its end.
 *
 * tz_probability, with the reciprocal's multiplier m in [2^30 - 4, 2^31) (all 2^31 of them have been looked at) and
 * exponentials e in [0, 2^31): tz_high_multiply is p = (2 m e + 2^31) >> 32. As an int32, 2 m is 2 m - 2^32 where
 * m >= 2^30, which makes p smaller by e. And p <= e: exponentials below 2^(exponent - 1) become 0. */
static tz_weighted_row_t *list_rows(tz_positions_t *positions, int32_t width, tz_reciprocal_t reciprocal,
                                    tz_weighted_row_t *list)
{
    const tz_weighted_row_t *const full = list + ROWS;
    const int32_t doubled = (int32_t)((uint32_t)reciprocal.multiplier << 1), mask = doubled >> 31;
    const int32_t shift = reciprocal.exponent - 1, least = 1 << shift;
    const int32_t *next = positions->next, *const end = positions->end;
    const int8_t *row = positions->row;
    int32_t total = 0;
    for (; next != end; ++next, row += width) {
        const int32_t exponential = *next;
        if (exponential < least) {
            continue;
        }
        const int32_t product = add_upper_product(exponential & mask, doubled, exponential);
        const int32_t rounded = ((product >> shift) + 1) >> 1;
        const int32_t weight = rounded > UINT8_MAX ? UINT8_MAX : rounded;
        if (weight == 0) {
            continue;
        }
        if (total + weight > LARGEST || list == full) {
            break;
        }
        total += weight;
        *list++ = (tz_weighted_row_t){row, weight};
    }
    *positions = (tz_positions_t){next, end, row, positions->total + total};
    return list;
}

#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

#define ONE_ROW                                                                                                        \
    "ldmia %[list]!, {r4, r5}\n"                                                                                       \
    "ldr r6, [r4, %[first]]\n"                                                                                         \
    "ldr r4, [r4, %[second]]\n"                                                                                        \
    "sxtab16 r8, %[biases], r6\n"                                                                                      \
    "sxtab16 r6, %[biases], r6, ror #8\n"                                                                              \
    "mla %[sum0], r8, r5, %[sum0]\n"                                                                                   \
    "sxtab16 r8, %[biases], r4\n"                                                                                      \
    "mla %[sum1], r6, r5, %[sum1]\n"                                                                                   \
    "sxtab16 r4, %[biases], r4, ror #8\n"                                                                              \
    "mla %[sum2], r8, r5, %[sum2]\n"                                                                                   \
    "mla %[sum3], r4, r5, %[sum3]\n"
#define ADD_ROWS(rows)                                                                                                 \
    __asm__ volatile(rows                                                                                              \
                     : [list] "+r"(list), [sum0] "+r"(sum0), [sum1] "+r"(sum1), [sum2] "+r"(sum2), [sum3] "+r"(sum3)   \
                     : [first] "r"(column), [second] "r"(column + 4), [biases] "r"(BIASES)                             \
                     : "r4", "r5", "r6", "r8", "memory")

/* Eight columns of the rows: pairs 0 2, 1 3, 4 6 and 5 7. */
static __attribute__((noinline)) void add_group(const tz_weighted_row_t *list, const tz_weighted_row_t *end, int32_t column,
                             uint32_t *pairs)
{
    const tz_weighted_row_t *const wide_end = list + ((end - list) & -WIDE);
    uint32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    while (list != wide_end) {
        ADD_ROWS(ONE_ROW ONE_ROW ONE_ROW ONE_ROW);
    }
    while (list != end) {
        ADD_ROWS(ONE_ROW);
    }
    pairs[0] = sum0, pairs[1] = sum1, pairs[2] = sum2, pairs[3] = sum3;
}

#else

static inline void add_group(const tz_weighted_row_t *list, const tz_weighted_row_t *end, int32_t column,
                             uint32_t *pairs)
{
    memset(pairs, 0, 4 * sizeof *pairs);
    for (; list != end; ++list) {
        for (int word = 0; word < 2; ++word) {
            uint32_t bytes;
            memcpy(&bytes, list->row + column + 4 * word, sizeof bytes);
            pairs[2 * word] += (uint32_t)__sxtab16(BIASES, (int32_t)bytes) * (uint32_t)list->weight;
            pairs[2 * word + 1] += (uint32_t)add_odd_bytes(BIASES, bytes) * (uint32_t)list->weight;
        }
    }
}

#endif

static int32_t sum_of_column(const tz_weighted_row_t *list, const tz_weighted_row_t *end, int32_t column)
{
    int32_t sum = 0;
    for (; list != end; ++list) {
        sum += (list->row[column] + BIAS) * list->weight;
    }
    return sum;
}

/* Outputs from the only list; `offset`: what is taken off the sums. */
static void finish_list(const tz_weighted_row_t *list, const tz_weighted_row_t *end, int32_t width, int32_t offset,
                        tz_hoisted_t scale, int8_t *output)
{
    int32_t column = 0;
    for (; column + GROUP <= width; column += GROUP) {
        uint32_t pairs[GROUP / 2];
        add_group(list, end, column, pairs);
        for (int i = 0; i < GROUP / 2; ++i) {
            int8_t *const first = output + column + (i & 1) + 2 * (i & 2);
            first[0] = (int8_t)tz_scale_hoisted_s8((uint16_t)pairs[i] - offset, scale);
            first[2] = (int8_t)tz_scale_hoisted_s8((int32_t)(pairs[i] >> 16) - offset, scale);
        }
    }
    for (; column < width; ++column) {
        output[column] = (int8_t)tz_scale_hoisted_s8(sum_of_column(list, end, column) - offset, scale);
    }
}

/* The sums of one of several lists, added to those of the others. */
static __attribute__((noinline)) void add_list(const tz_weighted_row_t *list, const tz_weighted_row_t *end,
                                               int32_t width, int32_t *sums)
{
    int32_t column = 0;
    for (; column + GROUP <= width; column += GROUP) {
        uint32_t pairs[GROUP / 2];
        add_group(list, end, column, pairs);
        for (int i = 0; i < GROUP / 2; ++i) {
            int32_t *const first = sums + column + (i & 1) + 2 * (i & 2);
            first[0] += (uint16_t)pairs[i];
            first[2] += (int32_t)(pairs[i] >> 16);
        }
    }
    for (; column < width; ++column) {
        sums[column] += sum_of_column(list, end, column);
    }
}

/* The weighted sums of the values; exponentials are not negative, so that one of the largest score has a weight. */
static void weigh_values(const tz_attention_s8_t *attention, const tz_attention_head_t *head, tz_positions_t positions,
                         tz_reciprocal_t reciprocal, int8_t *output)
{
    tz_weighted_row_t list[ROWS]; /* as many as list_rows finds */
    const int32_t width = attention->width, zero_point = attention->value_zero_point + BIAS;
    const tz_hoisted_t scale = attention->output;
    const tz_weighted_row_t *end = list_rows(&positions, width, reciprocal, list);
    if (positions.next == positions.end) {
        finish_list(list, end, width, zero_point * positions.total, scale, output);
        return;
    }
    memset(head->sums, 0, (size_t)width * sizeof *head->sums);
    add_list(list, end, width, head->sums);
    while (positions.next != positions.end) {
        end = list_rows(&positions, width, reciprocal, list);
        add_list(list, end, width, head->sums);
    }
    for (int32_t d = 0; d < width; ++d) {
        output[d] = (int8_t)tz_scale_hoisted_s8(head->sums[d] - zero_point * positions.total, scale);
    }
}

void tz_attention_s8(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys, const int8_t *values,
                     const int32_t *last, int8_t *output, void *scratch)
{
    const tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t valid = tz_clamp(*last, 0, attention->context - 1) + 1, width = attention->width;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = find_scores(attention, &head, query, keys, valid);
        const tz_reciprocal_t reciprocal = tz_reciprocal(raise(attention, head.scores, largest, valid));
        const tz_positions_t positions = {head.scores, head.scores + valid, values, 0};
        weigh_values(attention, &head, positions, reciprocal, output);
        query += width;
        keys += attention->context * width;
        values += attention->context * width;
        output += width;
    }
}
