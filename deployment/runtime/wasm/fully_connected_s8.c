/* WebAssembly with vectors: 16 rows by 2 columns at a time, the inputs widened to int16.
 *
 * Four rows are the int32 lanes of a vector. i32x4.dot_i16x8_s multiplies two columns of each and adds the two products,
 * at most 2 * 128 * 128 = 2^15, without rounding or saturation, so that sums need no addition across lanes.
 *
 * Weights: int8, blocks of 16 rows, then of 4; missing rows are 0. For every 2 columns come those of each row of the
 * block; a missing column is 0.
 * Scratch: the inputs as int16, padded with zero to a multiple of 2. */
#include <wasm_simd128.h>

#include "../internal/row_output.h"

enum {
    LANES = 4,  /* rows whose sums are in a vector */
    BLOCK = 16, /* rows */
    GROUP = 2,  /* columns */
};

/* Widen the inputs; returns the columns, filled up. */
static int32_t widen(const tz_fully_connected_s8_t *layer, const int8_t *input, int16_t *values)
{
    const int32_t columns = (layer->columns + GROUP - 1) / GROUP * GROUP;
    values[columns - 1] = 0;
    for (int32_t column = 0; column < layer->columns; ++column) {
        values[column] = input[column];
    }
    return columns;
}

/* Sums of the rows of `vectors` vectors, without the bias; returns the first weight that was not read. */
static inline __attribute__((always_inline)) const int8_t *dot_rows(const int8_t *weights, const int16_t *values,
                                                                    int32_t columns, int vectors, int32_t *sums)
{
    v128_t totals[BLOCK / LANES];
    for (int i = 0; i < vectors; ++i) {
        totals[i] = wasm_i32x4_const_splat(0);
    }
    for (int32_t column = 0; column < columns; column += GROUP) {
        const v128_t x = wasm_v128_load32_splat(values + column);
        for (int i = 0; i < vectors; ++i, weights += LANES * GROUP) {
            totals[i] = wasm_i32x4_add(totals[i], wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights), x));
        }
    }
    for (int i = 0; i < vectors; ++i) {
        wasm_v128_store(sums + LANES * i, totals[i]);
    }
    return weights;
}

static inline void requantize_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows,
                                   const int32_t *sums, int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = tz_row_output_s8(layer, row, *sums++ + layer->bias[row]);
    }
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *given, const int8_t *input, int8_t *output, void *scratch)
{
    /* A copy, because the compiler must assume that storing an output changes the struct. */
    const tz_fully_connected_s8_t copy = *given, *const layer = &copy;
    const int32_t columns = widen(layer, input, scratch);
    const int8_t *weights = layer->weights;
    int32_t sums[BLOCK], row = 0;
    for (; row + BLOCK <= layer->rows; row += BLOCK) {
        weights = dot_rows(weights, scratch, columns, BLOCK / LANES, sums);
        requantize_rows(layer, row, BLOCK, sums, output);
    }
    for (; row < layer->rows; row += LANES) {
        const int32_t left = layer->rows - row;
        weights = dot_rows(weights, scratch, columns, 1, sums);
        requantize_rows(layer, row, left < LANES ? left : LANES, sums, output);
    }
}
