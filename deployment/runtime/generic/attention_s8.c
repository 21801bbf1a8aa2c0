#include "textzoo/attention_s8.h"

#include "../internal/attention_parts.h"
#include "../internal/softmax_parts.h"
#include "textzoo/weighted_sum_s8.h"

/* Scores become weights in [0, 255]; returns their sum. */
static int32_t weigh(const tz_attention_s8_t *attention, tz_attention_head_t *head, int32_t largest, int32_t valid)
{
    const int32_t *table = (const int32_t *)attention->exponentials;
    const int32_t distances = attention->distances;
    int32_t sum = tz_masked_sum_s8(attention, largest, valid);
    for (int32_t position = 0; position < valid; ++position) {
        sum += tz_divide_by_power(tz_exponential_s8(table, distances, largest - head->scores[position]),
                                  TZ_DROPPED_BITS);
    }
    const tz_reciprocal_t reciprocal = tz_reciprocal(sum);
    int32_t total = 0;
    for (int32_t position = 0; position < valid; ++position) {
        const int32_t exponential = tz_exponential_s8(table, distances, largest - head->scores[position]);
        const int32_t weight = tz_probability(exponential, reciprocal);
        head->weights[position] = (int16_t)weight;
        total += weight;
    }
    return total;
}

void tz_attention_s8(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys, const int8_t *values,
                     const int32_t *last, int8_t *output, void *scratch)
{
    tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t valid = tz_clamp(*last, 0, attention->context - 1) + 1;
    const tz_hoisted_t scale = attention->output;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = tz_attention_scores(attention, &head, query, keys, valid);
        const int32_t offset = attention->value_zero_point * weigh(attention, &head, largest, valid);
        tz_weighted_sum_s8(values, valid, attention->width, head.weights, head.sums);
        for (int32_t d = 0; d < attention->width; ++d) {
            *output++ = (int8_t)tz_scale_hoisted_s8(head.sums[d] - offset, scale);
        }
        query += attention->width;
        keys += attention->context * attention->width;
        values += attention->context * attention->width;
    }
}
