/* One query against a cache of keys and values, causal: positions 0 to `last` are valid and take part, the others are
 * masked. Fused from BATCH_MATMUL, SELECT_V2, SOFTMAX and BATCH_MATMUL of LiteRT's reference kernels, bit for bit:
 *
 *   score[p]  = clamp(scaled(sum over d of (query[d] - zq) * (keys[p][d] - zk), score) + zs)                 (int8)
 *   masked positions have the score `masked_score`; their values are exactly zero, so that they count only in the
 *   softmax's sum and its largest value
 *   output[d] = clamp(scaled(sum over p of probability[p] * (values[p][d] - zv), output) + zo)
 *
 * Probabilities have 8 bits (tz_attention_s8: int8 softmax, output int8) or 15 bits (tz_attention_s8_p16: int16 softmax
 * of the same int8 scores, output int16 by tz_scale_wide). Scaled: as tz_scale_double; the compiler fuses only where
 * tz_scale_hoisted gives the same. */
#ifndef TEXTZOO_ATTENTION_S8_H
#define TEXTZOO_ATTENTION_S8_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

typedef struct {
    const void *exponentials;   /* (distances) int32 for 8 bits, int16 for 15 bits: by distance from the largest score */
    const int16_t *reciprocals; /* (513) for 15 bits, see softmax.h; null for 8 bits */
    int32_t distances;          /* [1, 256]; scores further below the largest one count as 0 */
    int32_t heads;              /* >= 1 */
    int32_t context;            /* positions of the cache, >= 1 */
    int32_t width;              /* numbers per head and position, >= 1 */
    int32_t query_zero_point, key_zero_point, value_zero_point;
    tz_hoisted_t score;         /* from the sum over d to the score */
    int32_t masked_score;       /* [-128, 127] */
    tz_hoisted_t output;        /* 8 bits: from the weighted sum to the output */
    int32_t wide_multiplier;    /* 15 bits: the same for tz_scale_wide */
    int32_t wide_shift;
} tz_attention_s8_t;

/* Bytes of scratch memory: the scores of one head, or their probabilities (context) int32; its sums (width) int32; its
 * widened query (width, rounded up to a multiple of 4) int16. */
static inline int32_t tz_attention_s8_scratch_bytes(int32_t context, int32_t width)
{
    return 4 * context + 4 * width + 2 * ((width + 3) / 4 * 4);
}

/* query: (heads, width); keys, values: (heads, context, width); last: one element, the index of the last valid position,
 * clamped to [0, context); output: (heads, width); scratch: tz_attention_s8_scratch_bytes(context, width) bytes, 16-byte
 * aligned. */
void tz_attention_s8(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys, const int8_t *values,
                     const int32_t *last, int8_t *output, void *scratch);
void tz_attention_s8_p16(const tz_attention_s8_t *attention, const int8_t *query, const int8_t *keys,
                         const int8_t *values, const int32_t *last, int16_t *output, void *scratch);

#endif
