#include "../internal/attention_parts.h"
#include "../internal/softmax_parts.h"
#include "textzoo/attention_s8.h"
#include "textzoo/weighted_sum_s8.h"

/* Scores become weights in [0, 32767]; returns their sum, near 32768. */
static int32_t weigh(const tz_attention_s8_t *attention, tz_attention_head_t *head, int32_t largest, int32_t valid)
{
    const int16_t *table = (const int16_t *)attention->exponentials;
    int32_t sum = tz_masked_sum_p16(attention, largest, valid);
    for (int32_t position = 0; position < valid; ++position) {
        sum += table[largest - head->scores[position]];
    }
    const tz_reciprocal_t reciprocal = tz_reciprocal_s16(attention->reciprocals, sum);
    int32_t total = 0;
    for (int32_t position = 0; position < valid; ++position) {
        const int32_t weight = tz_probability_s16(table[largest - head->scores[position]], reciprocal);
        head->weights[position] = (int16_t)weight;
        total += weight;
    }
    return total;
}

void tz_attention_s8_p16(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys,
                         const int8_t *values, const int32_t *last, int16_t *output, void *scratch)
{
    tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t valid = tz_clamp(*last, 0, attention->context - 1) + 1;
    const int32_t multiplier = attention->wide_multiplier;
    const int shift = (int)attention->wide_shift;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = tz_attention_scores(attention, &head, query, keys, valid);
        const int32_t offset = attention->value_zero_point * weigh(attention, &head, largest, valid);
        tz_weighted_sum_s8(values, valid, attention->width, head.weights, head.sums);
        for (int32_t d = 0; d < attention->width; ++d) {
            const int32_t scaled = tz_scale_wide(head.sums[d] - offset, multiplier, shift);
            *output++ = (int16_t)tz_clamp(scaled, INT16_MIN, INT16_MAX);
        }
        query += attention->width;
        keys += attention->context * attention->width;
        values += attention->context * attention->width;
    }
}
