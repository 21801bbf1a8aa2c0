/* Shared by both kernels of attention_s8.h on 64-bit Arm cores: the loops over valid positions, four of them at a
 * time; the last ones like the generic kernels. */
#ifndef TEXTZOO_ATTENTION_LANES_H
#define TEXTZOO_ATTENTION_LANES_H

#include "../internal/attention_parts.h"
#include "../internal/neon_scale.h"

enum { LANES = 4 };

/* The query with its zero point subtracted; returns its sum. */
static inline int32_t widen_query(const tz_attention_s8_t *attention, const int8_t *query, int16_t *widened)
{
    const int16x8_t zero_point = vdupq_n_s16((int16_t)attention->query_zero_point);
    int32x4_t sums = vdupq_n_s32(0);
    int32_t i = 0;
    for (; i + 2 * LANES <= attention->width; i += 2 * LANES) {
        const int16x8_t eight = vsubq_s16(vmovl_s8(vld1_s8(query + i)), zero_point);
        sums = vpadalq_s16(sums, eight);
        vst1q_s16(widened + i, eight);
    }
    int32_t sum = vaddvq_s32(sums);
    for (; i < attention->width; ++i) {
        widened[i] = (int16_t)(query[i] - attention->query_zero_point);
        sum += widened[i];
    }
    return sum;
}

/* Sums of products become scores, as int8 values; returns the largest of them and `largest`. */
static inline int32_t scale_scores(int32_t *scores, int32_t valid, int32_t offset, tz_hoisted_t scale, int32_t largest)
{
    const tz_lanes_scale_t lanes = tz_lanes_scale(scale);
    int32x4_t maximum = vdupq_n_s32(largest);
    int32_t position = 0;
    for (; position + LANES <= valid; position += LANES) {
        const int32x4_t scaled = tz_scale_four(vsubq_s32(vld1q_s32(scores + position), vdupq_n_s32(offset)), lanes);
        const int32x4_t score = vmaxq_s32(vminq_s32(scaled, vdupq_n_s32(INT8_MAX)), vdupq_n_s32(INT8_MIN));
        maximum = vmaxq_s32(maximum, score);
        vst1q_s32(scores + position, score);
    }
    largest = vmaxvq_s32(maximum);
    for (; position < valid; ++position) {
        const int32_t score = tz_clamp(tz_scale_hoisted(scores[position] - offset, scale), INT8_MIN, INT8_MAX);
        scores[position] = score;
        largest = score > largest ? score : largest;
    }
    return largest;
}

/* tz_attention_scores. */
static inline int32_t find_scores(const tz_attention_s8_t *attention, tz_attention_head_t *head, const int8_t *query,
                                  const int8_t *keys, int32_t valid)
{
    const int32_t offset = attention->key_zero_point * widen_query(attention, query, head->query);
    const int32_t largest = valid < attention->context ? attention->masked_score : INT8_MIN;
    tz_dot_rows_s8(keys, valid, attention->width, head->query, head->scores);
    return scale_scores(head->scores, valid, offset, attention->score, largest);
}

#endif
