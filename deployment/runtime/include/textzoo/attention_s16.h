/* One query against a cache of keys and values, causal: positions 0 to `last` are valid and take part, the others are
 * masked; all of int16. Fused from BATCH_MATMUL, SELECT_V2, SOFTMAX and BATCH_MATMUL of LiteRT's reference kernels, bit
 * for bit:
 *
 *   score[p]  = clamp(scaled(sum over d of query[d] * keys[p][d], score))                                     (int16)
 *   masked positions have the score `masked_score`; their values are exactly zero, so that they count only in the
 *   softmax's sum and its largest value
 *   output[d] = clamp(scaled(sum over p of probability[p] * values[p][d], output))
 *
 * Scaled: as tz_scale_wide. LiteRT sums in 64 bits. The first sum needs them; the second one fits 32 bits, because the
 * probabilities sum to less than 2^16: with s = 31 - clz(sum of exponentials) and f = sum / 2^s - 1 in [0, 1), each is
 * at most exponential * r / 2^s + 1/2, where r looks up 32768 / (1 + f) in a falling table. All of them together are at
 * most (1 + f) * r + context / 2. For f < 1/2 that is less than 1.5 * 32767 + context / 2; beyond, r is at most the
 * table's middle, 21845, which gives less than 2 * 21845 + context / 2. */
#ifndef TEXTZOO_ATTENTION_S16_H
#define TEXTZOO_ATTENTION_S16_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"
#include "textzoo/softmax.h"

typedef struct {
    tz_softmax_s16_t softmax; /* of all scores: rows are heads, columns are positions of the cache, at most 32768 */
    int32_t width;            /* numbers per head and position, in [1, 65536] */
    tz_wide_scale_t score;    /* from the sum over d to the score */
    int32_t masked_score;     /* [-32768, 32767] */
    tz_wide_scale_t output;   /* from the weighted sum to the output */
} tz_attention_s16_t;

/* Bytes of scratch memory: the sums of one head (width) int32; its scores, or their probabilities (context) int16. */
static inline int32_t tz_attention_s16_scratch_bytes(int32_t context, int32_t width)
{
    return 4 * width + 2 * context;
}

/* query: (heads, width); keys, values: (heads, context, width); last: one element, the index of the last valid position,
 * clamped to [0, context); output: (heads, width); scratch: tz_attention_s16_scratch_bytes(context, width) bytes, 4-byte
 * aligned. */
void tz_attention_s16(const tz_attention_s16_t *attention, const int16_t *query, const int16_t *keys,
                      const int16_t *values, const int32_t *last, int16_t *output, void *scratch);

#endif
