/* FULLY_CONNECTED, int8 activations and int8 weights, one scale per row or per tensor. Bit for bit LiteRT's reference:
 *
 *   sum[n]    = bias[n] + sum over k of input[k] * weights[n][k]            (int32)
 *   output[n] = clamp(tz_scale_single(sum[n], multipliers[n], shifts[n]) + output_zero_point)
 *
 * multipliers[n] is below 2^31, and at least 2^30 where `shift` is 0.
 *
 * The input's zero point is folded into the bias: bias[n] - input_zero_point * sum over k of weights[n][k]. */
#ifndef TEXTZOO_FULLY_CONNECTED_S8_H
#define TEXTZOO_FULLY_CONNECTED_S8_H

#include <stdint.h>

typedef struct {
    const void *weights;        /* (rows, columns), packed for kernel and variant: see its .c file */
    const int32_t *bias;        /* (rows) */
    const int32_t *multipliers; /* (rows) */
    const int8_t *shifts;       /* (rows) in [-31, 30] */
    int32_t rows;               /* outputs, >= 1 */
    int32_t columns;            /* inputs, >= 1 */
    int32_t output_zero_point;  /* [-128, 127] */
    int32_t minimum;            /* smallest output, [-128, 127]: the fused activation */
    int32_t maximum;            /* largest output, [-128, 127] */
    int32_t shift;              /* that of every row, in [-23, -2]: faster on Cortex-M4, M7 and M33; or 0 */
} tz_fully_connected_s8_t;

enum { TZ_FAST_SHIFT = -7 /* the fastest one there */ };

/* input: (columns) int8; output: (rows) int8, not overlapping; scratch: bytes as scratch_bytes.h says for the variant,
 * 4-byte aligned (16-byte for mve and host), contents undefined before and after. */
void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch);

/* The same for any weights of 8 bits, row by row, where the variant's kernel does not support them. */
void tz_fully_connected_s8_any(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                               void *scratch);

/* The same for weights in [-8, 7], packed to 4 bits, and in [-1, 1], packed to 2 bits. */
void tz_fully_connected_s8_w4(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch);
void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch);

/* The same for weights in [-1, 1], five of them in a byte (1.6 bits): internal/base3_sums.h. */
void tz_fully_connected_s8_b3(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch);

/* The same for inputs that mostly are -128, as behind a ReLU: their columns are skipped. At most 65536 columns. Inputs
 * are counted from -128, and nothing is folded into the bias:
 *
 *   sum[n] = bias[n] + sum over k of (input[k] + 128) * weights[n][k] */
void tz_fully_connected_s8_sparse(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                  void *scratch);

#endif
