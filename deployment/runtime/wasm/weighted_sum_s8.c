/* WebAssembly with vectors: 16 columns of two rows at a time. i32x4.dot_i16x8_s multiplies a column of both rows by their
 * weights and adds the two products, at most 2 * 128 * 2^15 = 2^23, without rounding or saturation. Most weights of
 * attention are 0 after rounding: two zeros in a row are left out. */
#include "textzoo/weighted_sum_s8.h"

#include <string.h>
#include <wasm_simd128.h>

enum { GROUP = 16 /* columns */, VECTORS = 4 };

/* Adds two rows' products: columns 0 to 7 to two of the sums. */
static inline void add_products(v128_t *sums, const int8_t *first, const int8_t *second, v128_t weights)
{
    const v128_t a = wasm_i16x8_load8x8(first), b = wasm_i16x8_load8x8(second);
    const v128_t low = wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    const v128_t high = wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    sums[0] = wasm_i32x4_add(sums[0], wasm_i32x4_dot_i16x8(low, weights));
    sums[1] = wasm_i32x4_add(sums[1], wasm_i32x4_dot_i16x8(high, weights));
}

/* `pair`: the weights of both rows. */
static inline void add_rows(v128_t *sums, const int8_t *first, const int8_t *second, int32_t pair)
{
    const v128_t weights = wasm_i32x4_splat(pair);
    add_products(sums, first, second, weights);
    add_products(sums + 2, first + GROUP / 2, second + GROUP / 2, weights);
}

static void sum_group(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *output)
{
    v128_t sums[VECTORS] = {wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0),
                            wasm_i32x4_const_splat(0)};
    for (; count >= 2; count -= 2, rows += 2 * length, weights += 2) {
        int32_t pair;
        memcpy(&pair, weights, sizeof pair);
        if (pair != 0) {
            add_rows(sums, rows, rows + length, pair);
        }
    }
    if (count > 0) {
        add_rows(sums, rows, rows, *weights); /* the second weight is 0, as weights are not negative */
    }
    for (int i = 0; i < VECTORS; ++i) {
        wasm_v128_store(output + 4 * i, sums[i]);
    }
}

/* The last columns, fewer than sixteen. */
static void sum_remaining(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t columns,
                          int32_t *sums)
{
    for (int32_t column = 0; column < columns; ++column) {
        int32_t sum = 0;
        for (int32_t row = 0; row < count; ++row) {
            sum += weights[row] * rows[row * length + column];
        }
        sums[column] = sum;
    }
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t column = 0;
    for (; column + GROUP <= length; column += GROUP) {
        sum_group(rows + column, count, length, weights, sums + column);
    }
    if (column < length) {
        sum_remaining(rows + column, count, length, weights, length - column, sums + column);
    }
}
