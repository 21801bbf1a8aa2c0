/* 64-bit Arm cores: the steps of the generic kernel, four positions or numbers at a time. Exponentials are not
 * negative, so that tz_divide_by_power is a rounding shift (SRSHR, SRSHL), and tz_high_multiply is SQRDMULH. */
#include "textzoo/attention_s8.h"

#include "../internal/softmax_parts.h"
#include "attention_lanes.h"
#include "textzoo/weighted_sum_s8.h"

enum { GROUP = 16 };

/* Scores become exponentials; returns the sum of all. */
static int32_t raise(const tz_attention_s8_t *attention, int32_t *scores, int32_t largest, int32_t valid)
{
    const int32_t *table = attention->exponentials;
    const int32_t distances = attention->distances;
    int32_t sum = tz_masked_sum_s8(attention, largest, valid);
    int32x4_t sums = vdupq_n_s32(0);
    int32_t position = 0;
    for (; position + LANES <= valid; position += LANES) {
        for (int32_t lane = position; lane < position + LANES; ++lane) {
            scores[lane] = tz_exponential_s8(table, distances, largest - scores[lane]);
        }
        sums = vrsraq_n_s32(sums, vld1q_s32(scores + position), TZ_DROPPED_BITS);
    }
    for (; position < valid; ++position) {
        scores[position] = tz_exponential_s8(table, distances, largest - scores[position]);
        sum += tz_divide_by_power(scores[position], TZ_DROPPED_BITS);
    }
    return sum + vaddvq_s32(sums);
}

/* Scores become weights in [0, 255]; returns their sum. */
static int32_t weigh(const tz_attention_s8_t *attention, tz_attention_head_t *head, int32_t largest, int32_t valid)
{
    const tz_reciprocal_t reciprocal = tz_reciprocal(raise(attention, head->scores, largest, valid));
    const int32x4_t multiplier = vdupq_n_s32(reciprocal.multiplier), right = vdupq_n_s32(-reciprocal.exponent);
    int32x4_t totals = vdupq_n_s32(0);
    int32_t position = 0;
    for (; position + LANES <= valid; position += LANES) {
        const int32x4_t products = vqrdmulhq_s32(vld1q_s32(head->scores + position), multiplier);
        const int32x4_t weights = vminq_s32(vrshlq_s32(products, right), vdupq_n_s32(UINT8_MAX));
        vst1_s16(head->weights + position, vmovn_s32(weights));
        totals = vaddq_s32(totals, weights);
    }
    int32_t total = vaddvq_s32(totals);
    for (; position < valid; ++position) {
        const int32_t weight = tz_probability(head->scores[position], reciprocal);
        head->weights[position] = (int16_t)weight;
        total += weight;
    }
    return total;
}

/* Sums of weighted values become outputs. */
static void scale_sums(const int32_t *sums, int32_t width, int32_t offset, tz_hoisted_t scale, int8_t *output)
{
    const tz_lanes_scale_t lanes = tz_lanes_scale(scale);
    int32_t d = 0;
    for (; d + GROUP <= width; d += GROUP) {
        int32x4_t scaled[GROUP / LANES];
        for (int i = 0; i < GROUP / LANES; ++i) {
            scaled[i] = tz_scale_four(vsubq_s32(vld1q_s32(sums + d + LANES * i), vdupq_n_s32(offset)), lanes);
        }
        vst1q_s8(output + d, tz_narrow_sixteen(scaled));
    }
    for (; d < width; ++d) {
        output[d] = (int8_t)tz_clamp(tz_scale_hoisted(sums[d] - offset, scale), INT8_MIN, INT8_MAX);
    }
}

void tz_attention_s8(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys, const int8_t *values,
                     const int32_t *last, int8_t *output, void *scratch)
{
    tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t valid = tz_clamp(*last, 0, attention->context - 1) + 1, width = attention->width;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = find_scores(attention, &head, query, keys, valid);
        const int32_t offset = attention->value_zero_point * weigh(attention, &head, largest, valid);
        tz_weighted_sum_s8(values, valid, width, head.weights, head.sums);
        scale_sums(head.sums, width, offset, attention->output, output);
        query += width;
        output += width;
        keys += attention->context * width;
        values += attention->context * width;
    }
}
