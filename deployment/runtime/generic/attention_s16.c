#include "textzoo/attention_s16.h"

#include "../internal/softmax_parts.h"
#include "textzoo/dot_rows_s16.h"
#include "textzoo/weighted_sum_s16.h"

/* The largest of all scores, dead ones included. */
static int32_t largest_score(const tz_attention_s16_t *attention, const int16_t *scores, int32_t live)
{
    int32_t largest = live < attention->softmax.columns ? attention->dead_score : INT16_MIN;
    for (int32_t place = 0; place < live; ++place) {
        largest = scores[place] > largest ? scores[place] : largest;
    }
    return largest;
}

/* Scores become exponentials; returns their sum, dead ones included. */
static int32_t exponentiate(const tz_attention_s16_t *attention, int16_t *scores, int32_t live)
{
    /* A copy, because the compiler must assume that storing a score changes the struct. */
    const tz_softmax_s16_t softmax = attention->softmax;
    const int32_t largest = largest_score(attention, scores, live);
    int32_t sum = 0;
    if (live < softmax.columns) { /* only then is the largest score at least the dead one */
        sum = (softmax.columns - live) * tz_exponential_s16(&softmax, attention->dead_score - largest);
    }
    for (int32_t place = 0; place < live; ++place) {
        scores[place] = (int16_t)tz_exponential_s16(&softmax, scores[place] - largest);
        sum += scores[place];
    }
    return sum;
}

/* Scores become weights in [0, 32767]. */
static void weigh(const tz_attention_s16_t *attention, int16_t *scores, int32_t live)
{
    const int32_t sum = exponentiate(attention, scores, live);
    const tz_reciprocal_t reciprocal = tz_reciprocal_s16(attention->softmax.reciprocals, sum);
    for (int32_t place = 0; place < live; ++place) {
        scores[place] = (int16_t)tz_probability_s16(scores[place], reciprocal);
    }
}

void tz_attention_s16(const tz_attention_s16_t *attention, const int16_t *query, const int16_t *keys,
                      const int16_t *values, const int32_t *last, int16_t *output, void *scratch)
{
    const int32_t context = attention->softmax.columns, width = attention->width;
    const int32_t live = tz_clamp(*last, 0, context - 1) + 1;
    int32_t *sums = scratch;                             /* (width) */
    int16_t *scores = (int16_t *)(void *)(sums + width); /* (context) */
    const tz_wide_scale_t scale = attention->output;
    for (int32_t head = 0; head < attention->softmax.rows; ++head) {
        tz_dot_rows_s16(keys, live, width, query, attention->score, scores);
        weigh(attention, scores, live);
        tz_weighted_sum_s16(values, live, width, scores, sums);
        for (int32_t d = 0; d < width; ++d) {
            *output++ = tz_scaled_s16(sums[d], scale);
        }
        query += width;
        keys += context * width;
        values += context * width;
    }
}
