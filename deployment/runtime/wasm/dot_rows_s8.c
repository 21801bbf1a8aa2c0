/* WebAssembly with vectors: 8 columns of four rows at a time. i32x4.dot_i16x8_s multiplies them as int16 and adds two
 * neighbouring products, at most 2 * 128 * 2^15 = 2^23, without rounding or saturation. */
#include "textzoo/dot_rows_s8.h"

#include <wasm_simd128.h>

#include "../internal/dot_remaining.h"

enum { ROWS = 4, GROUP = 8 /* columns */ };

/* Products of one row, summed in four lanes. */
static inline v128_t products(const int8_t *row, const int16_t *vector, int32_t columns)
{
    v128_t sum = wasm_i32x4_const_splat(0);
    for (int32_t column = 0; column < columns; column += GROUP) {
        const v128_t x = wasm_i16x8_load8x8(row + column), y = wasm_v128_load(vector + column);
        sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(x, y));
    }
    return sum;
}

/* Lanes 0 and 2, then 1 and 3: a, b, a, b. */
static inline v128_t add_halves(v128_t a, v128_t b)
{
    return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
}

/* The sums of the lanes of four vectors. */
static inline v128_t add_lanes(v128_t a, v128_t b, v128_t c, v128_t d)
{
    const v128_t ab = add_halves(a, b), cd = add_halves(c, d);
    return wasm_i32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    const int32_t columns = length / GROUP * GROUP;
    const int8_t *row = rows;
    int32_t done = 0;
    for (; done + ROWS <= count; done += ROWS, row += ROWS * length) {
        const v128_t a = products(row, vector, columns), b = products(row + length, vector, columns);
        const v128_t c = products(row + 2 * length, vector, columns), d = products(row + 3 * length, vector, columns);
        wasm_v128_store(sums + done, add_lanes(a, b, c, d));
    }
    tz_dot_remaining_s8(row, count - done, length, vector, columns, 0, sums + done);
    if (columns < length) {
        tz_dot_remaining_s8(rows + columns, count, length, vector + columns, length - columns, 1, sums);
    }
}
