/* 64-bit Arm cores: the steps of the generic kernel, four places at a time. */
#include "../internal/softmax_parts.h"
#include "attention_lanes.h"
#include "textzoo/attention_s8.h"
#include "textzoo/weighted_sum_s8.h"

/* Scores become exponentials; returns the sum of all. */
static int32_t raise(const tz_attention_s8_t *attention, int32_t *scores, int32_t largest, int32_t live)
{
    const int16_t *table = attention->exponentials;
    int32_t sum = tz_sum_of_dead_p16(attention, largest, live);
    for (int32_t place = 0; place < live; ++place) {
        scores[place] = table[largest - scores[place]];
        sum += scores[place];
    }
    return sum;
}

/* Scores become weights in [0, 32767]; returns their sum, near 32768. */
static int32_t weigh(const tz_attention_s8_t *attention, tz_attention_head_t *head, int32_t largest, int32_t live)
{
    const int32_t sum = raise(attention, head->scores, largest, live);
    const tz_reciprocal_t reciprocal = tz_reciprocal_s16(attention->reciprocals, sum);
    const int32x4_t multiplier = vdupq_n_s32(reciprocal.multiplier), right = vdupq_n_s32(-reciprocal.exponent);
    int32x4_t totals = vdupq_n_s32(0);
    int32_t place = 0;
    for (; place + LANES <= live; place += LANES) {
        const int32x4_t products = vmulq_s32(vld1q_s32(head->scores + place), multiplier);
        const int32x4_t rounded = vmaxq_s32(vrshlq_s32(products, right), vdupq_n_s32(0));
        const int32x4_t weights = vminq_s32(rounded, vdupq_n_s32(INT16_MAX));
        vst1_s16(head->weights + place, vmovn_s32(weights));
        totals = vaddq_s32(totals, weights);
    }
    int32_t total = vaddvq_s32(totals);
    for (; place < live; ++place) {
        const int32_t weight = tz_probability_s16(head->scores[place], reciprocal);
        head->weights[place] = (int16_t)weight;
        total += weight;
    }
    return total;
}

void tz_attention_s8_p16(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys,
                         const int8_t *values, const int32_t *last, int16_t *output, void *scratch)
{
    tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t live = tz_clamp(*last, 0, attention->context - 1) + 1, width = attention->width;
    const int32_t multiplier = attention->wide_multiplier;
    const int shift = (int)attention->wide_shift;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = find_scores(attention, &head, query, keys, live);
        const int32_t offset = attention->value_zero_point * weigh(attention, &head, largest, live);
        tz_weighted_sum_s8(values, live, width, head.weights, head.sums);
        for (int32_t d = 0; d < width; ++d) {
            const int32_t scaled = tz_scale_wide(head.sums[d] - offset, multiplier, shift);
            *output++ = (int16_t)tz_clamp(scaled, INT16_MIN, INT16_MAX);
        }
        query += width;
        keys += attention->context * width;
        values += attention->context * width;
    }
}
