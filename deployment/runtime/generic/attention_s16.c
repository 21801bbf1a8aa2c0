#include "textzoo/attention_s16.h"

#include "../internal/softmax_parts.h"
#include "textzoo/dot_rows_s16.h"
#include "textzoo/weighted_sum_s16.h"

/* The largest of all scores, masked ones included. */
static int32_t largest_score(const tz_attention_s16_t *attention, const int16_t *scores, int32_t valid)
{
    int32_t largest = valid < attention->softmax.columns ? attention->masked_score : INT16_MIN;
    for (int32_t position = 0; position < valid; ++position) {
        largest = scores[position] > largest ? scores[position] : largest;
    }
    return largest;
}

/* Scores become exponentials; returns their sum, masked ones included. */
static int32_t exponentiate(const tz_attention_s16_t *attention, int16_t *scores, int32_t valid)
{
    /* A copy, because the compiler must assume that storing a score changes the struct. */
    const tz_softmax_s16_t softmax = attention->softmax;
    const int32_t largest = largest_score(attention, scores, valid);
    int32_t sum = 0;
    if (valid < softmax.columns) { /* only then is the largest score at least the masked one */
        sum = (softmax.columns - valid) * tz_exponential_s16(&softmax, attention->masked_score - largest);
    }
    for (int32_t position = 0; position < valid; ++position) {
        scores[position] = (int16_t)tz_exponential_s16(&softmax, scores[position] - largest);
        sum += scores[position];
    }
    return sum;
}

/* Scores become weights in [0, 32767]. */
static void weigh(const tz_attention_s16_t *attention, int16_t *scores, int32_t valid)
{
    const int32_t sum = exponentiate(attention, scores, valid);
    const tz_reciprocal_t reciprocal = tz_reciprocal_s16(attention->softmax.reciprocals, sum);
    for (int32_t position = 0; position < valid; ++position) {
        scores[position] = (int16_t)tz_probability_s16(scores[position], reciprocal);
    }
}

void tz_attention_s16(const tz_attention_s16_t *attention, const int16_t *query, const int16_t *keys,
                      const int16_t *values, const int32_t *last, int16_t *output, void *scratch)
{
    const int32_t context = attention->softmax.columns, width = attention->width;
    const int32_t valid = tz_clamp(*last, 0, context - 1) + 1;
    int32_t *sums = (int32_t *)scratch;                             /* (width) */
    int16_t *scores = (int16_t *)(void *)(sums + width); /* (context) */
    const tz_wide_scale_t scale = attention->output;
    for (int32_t head = 0; head < attention->softmax.rows; ++head) {
        tz_dot_rows_s16(keys, valid, width, query, attention->score, scores);
        weigh(attention, scores, valid);
        tz_weighted_sum_s16(values, valid, width, scores, sums);
        for (int32_t d = 0; d < width; ++d) {
            *output++ = tz_scaled_s16(sums[d], scale);
        }
        query += width;
        keys += context * width;
        values += context * width;
    }
}
