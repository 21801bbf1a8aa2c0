/* 64-bit Arm cores: the steps of the generic kernel, four positions at a time. */
#include "../internal/softmax_parts.h"
#include "attention_lanes.h"
#include "textzoo/attention_s8.h"
#include "textzoo/weighted_sum_s8.h"

/* Scores become exponentials; returns the sum of all. */
static int32_t raise(const tz_attention_s8_t *attention, int32_t *scores, int32_t largest, int32_t valid)
{
    const int16_t *table = attention->exponentials;
    int32_t sum = tz_masked_sum_p16(attention, largest, valid);
    for (int32_t position = 0; position < valid; ++position) {
        scores[position] = table[largest - scores[position]];
        sum += scores[position];
    }
    return sum;
}

/* Scores become weights in [0, 32767]; returns their sum, near 32768. */
static int32_t weigh(const tz_attention_s8_t *attention, tz_attention_head_t *head, int32_t largest, int32_t valid)
{
    const int32_t sum = raise(attention, head->scores, largest, valid);
    const tz_reciprocal_t reciprocal = tz_reciprocal_s16(attention->reciprocals, sum);
    const int32x4_t multiplier = vdupq_n_s32(reciprocal.multiplier), right = vdupq_n_s32(-reciprocal.exponent);
    int32x4_t totals = vdupq_n_s32(0);
    int32_t position = 0;
    for (; position + LANES <= valid; position += LANES) {
        const int32x4_t products = vmulq_s32(vld1q_s32(head->scores + position), multiplier);
        const int32x4_t rounded = vmaxq_s32(vrshlq_s32(products, right), vdupq_n_s32(0));
        const int32x4_t weights = vminq_s32(rounded, vdupq_n_s32(INT16_MAX));
        vst1_s16(head->weights + position, vmovn_s32(weights));
        totals = vaddq_s32(totals, weights);
    }
    int32_t total = vaddvq_s32(totals);
    for (; position < valid; ++position) {
        const int32_t weight = tz_probability_s16(head->scores[position], reciprocal);
        head->weights[position] = (int16_t)weight;
        total += weight;
    }
    return total;
}

void tz_attention_s8_p16(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys,
                         const int8_t *values, const int32_t *last, int16_t *output, void *scratch)
{
    tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t valid = tz_clamp(*last, 0, attention->context - 1) + 1, width = attention->width;
    const int32_t multiplier = attention->wide_multiplier;
    const int shift = (int)attention->wide_shift;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = find_scores(attention, &head, query, keys, valid);
        const int32_t offset = attention->value_zero_point * weigh(attention, &head, largest, valid);
        tz_weighted_sum_s8(values, valid, width, head.weights, head.sums);
        for (int32_t d = 0; d < width; ++d) {
            const int32_t scaled = tz_scale_wide(head.sums[d] - offset, multiplier, shift);
            *output++ = (int16_t)tz_clamp(scaled, INT16_MIN, INT16_MAX);
        }
        query += width;
        keys += attention->context * width;
        values += attention->context * width;
    }
}
