/* Shared by both kernels of attention_s8.h: scratch memory, scores, and the part of masked positions in the sum. */
#ifndef TEXTZOO_ATTENTION_PARTS_H
#define TEXTZOO_ATTENTION_PARTS_H

#include "softmax_parts.h"
#include "textzoo/attention_s8.h"
#include "textzoo/dot_rows_s8.h"
#include "textzoo/fixedpoint.h"

/* The scratch of one head. The weights of the values overlay the scores, two bytes for four: weight p lies
 * below score p or on it, so each score is read before it is overwritten. */
typedef struct {
    int32_t *scores;   /* (context) */
    int16_t *weights;  /* (context), over the scores */
    int16_t *query;    /* (width), the zero point subtracted */
    int32_t *sums;     /* (width) */
} tz_attention_head_t;

static inline tz_attention_head_t tz_attention_head(const tz_attention_s8_t *attention, void *scratch)
{
    int32_t *scores = (int32_t *)scratch;
    int32_t *sums = scores + attention->context;
    int16_t *query = (int16_t *)(void *)(sums + attention->width);
    return (tz_attention_head_t){scores, (int16_t *)scratch, query, sums};
}

static inline int32_t tz_widen_query(const tz_attention_s8_t *attention, const int8_t *query, int16_t *widened)
{
    const int32_t width = attention->width, zero_point = attention->query_zero_point;
    int32_t sum = 0;
    for (int32_t i = 0; i < width; ++i) {
        widened[i] = (int16_t)(query[i] - zero_point);
        sum += widened[i];
    }
    return sum;
}

/* Scores of the valid positions as int8 values; returns the largest of all scores, masked ones included.
 * The keys' zero point is subtracted afterwards: sum q * (k - zk) = sum q * k - zk * sum q. */
static inline int32_t tz_attention_scores(const tz_attention_s8_t *attention, tz_attention_head_t *head,
                                          const int8_t *query, const int8_t *keys, int32_t valid)
{
    /* A copy, because the compiler must assume that storing a score changes the struct. */
    const tz_hoisted_t scale = attention->score;
    const int32_t offset = attention->key_zero_point * tz_widen_query(attention, query, head->query);
    int32_t *scores = head->scores;
    int32_t largest = valid < attention->context ? attention->masked_score : INT8_MIN;
    tz_dot_rows_s8(keys, valid, attention->width, head->query, scores);
    for (int32_t position = 0; position < valid; ++position) {
        const int32_t score = tz_scale_hoisted_s8(scores[position] - offset, scale);
        scores[position] = score;
        largest = score > largest ? score : largest;
    }
    return largest;
}

/* Of 8 bits, by the distance from the largest score. */
static inline int32_t tz_exponential_s8(const int32_t *table, int32_t distances, int32_t distance)
{
    return distance < distances ? table[distance] : 0;
}

/* What the masked positions add to the sum; only where there are any is the largest score at least theirs. */
static inline int32_t tz_masked_sum_s8(const tz_attention_s8_t *attention, int32_t largest, int32_t valid)
{
    const int32_t masked = attention->context - valid;
    const int32_t distance = largest - attention->masked_score;
    if (masked == 0) {
        return 0;
    }
    const int32_t *table = (const int32_t *)attention->exponentials;
    const int32_t exponential = tz_exponential_s8(table, attention->distances, distance);
    return masked * tz_divide_by_power(exponential, TZ_DROPPED_BITS);
}

static inline int32_t tz_masked_sum_p16(const tz_attention_s8_t *attention, int32_t largest, int32_t valid)
{
    const int16_t *table = (const int16_t *)attention->exponentials;
    const int32_t masked = attention->context - valid;
    return masked == 0 ? 0 : masked * table[largest - attention->masked_score];
}

#endif
