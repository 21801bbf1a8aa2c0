/* BATCH_MATMUL of two computed tensors. Bit for bit LiteRT's reference:
 *
 *   sum    = sum over k of (a[m][k] - a_zero_point) * (b[k][n] - b_zero_point)
 *   output = clamp(scaled(sum) + output_zero_point), scaled: tz_scale_double for int8, tz_scale_wide for int16; int32
 *            is the sum itself, of operands without zero points
 *
 * Strides in elements let the same kernel read transposed and broadcast operands. */
#ifndef TEXTZOO_BATCH_MATMUL_H
#define TEXTZOO_BATCH_MATMUL_H

#include <stdint.h>

typedef struct {
    int32_t batches[3];                      /* sizes of the leading axes, 1 where there are fewer */
    int32_t a_batch_strides[3];              /* 0 where a is broadcast */
    int32_t b_batch_strides[3];              /* 0 where b is broadcast */
    int32_t rows, depth, columns;            /* m, k, n */
    int32_t a_row_stride, a_depth_stride;    /* of a: (rows, depth) */
    int32_t b_depth_stride, b_column_stride; /* of b: (depth, columns) */
    int32_t a_zero_point, b_zero_point, output_zero_point; /* 0 for int16 */
    int32_t multiplier, shift;               /* int16: the multiplier reduced to 16 bits, shift <= 7, depth <= 2^16 */
} tz_batch_matmul_t;

/* a: (batches..., rows, depth) and b: (batches..., depth, columns), as the strides say; output: (batches..., rows,
 * columns), contiguous, overlapping neither. */
void tz_batch_matmul_s8(const tz_batch_matmul_t *product, const int8_t *a, const int8_t *b, int8_t *output);
void tz_batch_matmul_s8_s32(const tz_batch_matmul_t *product, const int8_t *a, const int8_t *b, int32_t *output);
void tz_batch_matmul_s16(const tz_batch_matmul_t *product, const int16_t *a, const int16_t *b, int16_t *output);
void tz_batch_matmul_s16_s8(const tz_batch_matmul_t *product, const int16_t *a, const int8_t *b, int16_t *output);

#endif
