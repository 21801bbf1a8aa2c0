/* Some rows of a FULLY_CONNECTED: those for whose factor no integer multiplier gives the right result of all sums that
 * can occur. The kernels of fully_connected_s8.h and fully_connected_s16.h, whose contract this is, run before, compute
 * the other rows, and write undefined values to these rows of the output.
 *
 *   sum    = bias[n] + sum over k of input[k] * weights[n][k]            (int8: int32; int16: int64, below 2^43)
 *   output[output_rows[n]] = clamp(tz_scale_as_double(sum, mantissas[n], exponents[n]) + output_zero_point) */
#ifndef TEXTZOO_FULLY_CONNECTED_ROWS_H
#define TEXTZOO_FULLY_CONNECTED_ROWS_H

#include <stdint.h>

typedef struct {
    const int8_t *weights;      /* (rows, columns) */
    const int64_t *bias;        /* (rows) the input's zero point folded in */
    const int64_t *mantissas;   /* (rows) */
    const int16_t *exponents;   /* (rows) */
    const int32_t *output_rows; /* (rows) which output each of them is */
    int32_t rows;               /* of these, >= 1 */
    int32_t columns;            /* inputs, >= 1 */
    int32_t output_zero_point;  /* 0 for int16 */
    int32_t minimum;            /* smallest output: the fused activation */
    int32_t maximum;            /* largest output */
} tz_fully_connected_rows_t;

/* input: (columns); output: of all rows of the layer, not overlapping. */
void tz_fully_connected_s8_rows(const tz_fully_connected_rows_t *layer, const int8_t *input, int8_t *output);
void tz_fully_connected_s16_rows(const tz_fully_connected_rows_t *layer, const int16_t *input, int16_t *output);

#endif
