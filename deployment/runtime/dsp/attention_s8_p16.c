/* Cortex-M cores with the DSP extension. */
#include "../internal/softmax_parts.h"
#include "attention_scores.h"
#include "textzoo/weighted_sum_s8.h"

enum { WORD_BITS = 16 /* what SMLAWB drops of a product */ };

/* Scores become weights in [0, 32767]; returns their sum, near 32768. */
static int32_t weigh(const tz_attention_s8_t *attention, const tz_attention_head_t *head, int32_t largest, int32_t valid)
{
    const int16_t *const table = (const int16_t *)attention->exponentials;
    int32_t *const scores = head->scores, *const end = scores + valid;
    int16_t *weight = head->weights;
    int32_t sum = tz_masked_sum_p16(attention, largest, valid);
#pragma GCC unroll 2
    for (int32_t *next = scores; next != end; ++next) {
        *next = table[largest - *next];
        sum += *next;
    }
    const tz_reciprocal_t reciprocal = tz_reciprocal_s16(attention->reciprocals, sum);
    int32_t total = 0;
#pragma GCC unroll 2
    for (const int32_t *next = scores; next != end; ++next, ++weight) {
        const int32_t probability = tz_probability_s16(*next, reciprocal);
        *weight = (int16_t)probability;
        total += probability;
    }
    return total;
}

/* tz_scale_wide of sums less an offset. With 17 bits or more to drop, the half that is added is a multiple of 2^16, so
 * that the lowest 16 bits of a product change nothing: SMLAWB leaves them out. */
static void scale_sums(const tz_attention_s8_t *attention, const int32_t *sums, int32_t offset, int16_t *output)
{
    const int32_t multiplier = attention->wide_multiplier, width = attention->width;
    const int total = 15 - (int)attention->wide_shift;
    if (total <= WORD_BITS) {
        for (int32_t d = 0; d < width; ++d) {
            const int32_t scaled = tz_scale_wide(sums[d] - offset, multiplier, (int)attention->wide_shift);
            output[d] = (int16_t)tz_clamp(scaled, INT16_MIN, INT16_MAX);
        }
        return;
    }
    const int right = total - WORD_BITS;
    const int32_t half = 1 << (right - 1);
#pragma GCC unroll 2
    for (const int32_t *const end = sums + width; sums != end; ++sums, ++output) {
        *output = (int16_t)tz_clamp(__smlawb(*sums - offset, multiplier, half) >> right, INT16_MIN, INT16_MAX);
    }
}

void tz_attention_s8_p16(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys,
                         const int8_t *values, const int32_t *last, int16_t *output, void *scratch)
{
    const tz_attention_head_t head = tz_attention_head(attention, scratch);
    const int32_t valid = tz_clamp(*last, 0, attention->context - 1) + 1, width = attention->width;
    for (int32_t i = 0; i < attention->heads; ++i) {
        const int32_t largest = find_scores(attention, &head, query, keys, valid);
        const int32_t offset = attention->value_zero_point * weigh(attention, &head, largest, valid);
        tz_weighted_sum_s8(values, valid, width, head.weights, head.sums);
        scale_sums(attention, head.sums, offset, output);
        query += width;
        keys += attention->context * width;
        values += attention->context * width;
        output += width;
    }
}
