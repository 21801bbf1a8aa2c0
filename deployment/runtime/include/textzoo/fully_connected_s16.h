/* FULLY_CONNECTED, int16 activations and int8 weights, one scale per row or per tensor. Bit for bit LiteRT's reference:
 *
 *   sum[n]    = bias[n] + sum over k of input[k] * weights[n][k]            (int32)
 *   output[n] = clamp(tz_scale_precise_short(sum[n], multipliers[n], low_multipliers[n], shifts[n]))
 *
 * LiteRT computes the factor and its product in double precision: 31 bits of it would sometimes round differently.
 * It sums in 64 bits; the compiler takes this kernel where 32 bits hold every sum that can occur, with the bias and
 * without, as they do for rows of up to 512 weights with small biases. Others: fully_connected_s16_long.h. */
#ifndef TEXTZOO_FULLY_CONNECTED_S16_H
#define TEXTZOO_FULLY_CONNECTED_S16_H

#include <stdint.h>

typedef struct {
    const void *weights;            /* (rows, columns) int8, packed for the variant: see its .c file */
    const int32_t *bias;            /* (rows) */
    const int32_t *multipliers;     /* (rows) */
    const int8_t *shifts;           /* (rows) in [-31, -2] */
    const int32_t *low_multipliers; /* (rows) what the multipliers lack, in 2^-31 */
    int32_t rows;                   /* outputs, >= 1 */
    int32_t columns;                /* inputs, >= 1 */
    int32_t minimum;                /* smallest output: the fused activation */
    int32_t maximum;                /* largest output */
} tz_fully_connected_s16_t;

/* input: (columns) int16; output: (rows) int16, not overlapping; scratch: bytes as scratch_bytes.h says for the
 * variant, 4-byte aligned, contents undefined before and after. */
void tz_fully_connected_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output,
                            void *scratch);

/* The same for any weights, row by row, where the variant's kernel does not support them. */
void tz_fully_connected_s16_any(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output,
                                void *scratch);

#endif
