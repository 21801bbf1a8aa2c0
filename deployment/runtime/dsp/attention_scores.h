/* Shared by the kernels of attention_s8.h for Cortex-M cores with the DSP extension: the scores of a head. */
#ifndef TEXTZOO_DSP_ATTENTION_SCORES_H
#define TEXTZOO_DSP_ATTENTION_SCORES_H

#include <arm_acle.h>
#include <string.h>

#include "../internal/attention_parts.h"

/* Both bytes 1 and 3 of `bytes`, added to the halves of `pair`. GCC knows the instruction, but not that it can rotate. */
static inline int32_t add_odd_bytes(int32_t pair, uint32_t bytes)
{
    int32_t sums;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sums) : "r"(pair), "r"(bytes));
    return sums;
}

/* tz_widen_query four numbers at a time. A difference of two int8 fits each half of a word. */
static int32_t widen_query(const int8_t *query, int32_t width, int32_t zero_point, int16_t *widened)
{
    const uint32_t half = (uint16_t)-zero_point;
    const int32_t negative = (int32_t)(half << 16 | half), ones = 0x00010001;
    const int8_t *const end = query + width, *const whole_end = query + (width & -4);
    int32_t sum = 0;
    for (; query != whole_end; query += 4, widened += 4) {
        uint32_t bytes, natural[2];
        memcpy(&bytes, query, sizeof bytes);
        const int32_t even = __sxtab16(negative, (int32_t)bytes), odd = add_odd_bytes(negative, bytes);
        sum = __smlad(even, ones, __smlad(odd, ones, sum));
        __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(natural[0]) : "r"(even), "r"(odd));
        __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(natural[1]) : "r"(odd), "r"(even));
        memcpy(widened, &natural[0], sizeof natural[0]);
        memcpy(widened + 2, &natural[1], sizeof natural[1]);
    }
    for (; query != end; ++query, ++widened) {
        *widened = (int16_t)(*query - zero_point);
        sum += *widened;
    }
    return sum;
}

/* tz_attention_scores. */
static int32_t find_scores(const tz_attention_s8_t *attention, const tz_attention_head_t *head, const int8_t *query,
                           const int8_t *keys, int32_t valid)
{
    const tz_hoisted_t scale = attention->score;
    const int32_t width = attention->width;
    const int32_t query_sum = widen_query(query, width, attention->query_zero_point, head->query);
    const int32_t offset = attention->key_zero_point * query_sum;
    int32_t largest = valid < attention->context ? attention->masked_score : INT8_MIN;
    tz_dot_rows_s8(keys, valid, width, head->query, head->scores);
#pragma GCC unroll 2
    for (int32_t *next = head->scores, *const end = next + valid; next != end; ++next) {
        const int32_t score = tz_scale_hoisted_s8(*next - offset, scale);
        *next = score;
        largest = score > largest ? score : largest;
    }
    return largest;
}

#endif
