/* tz_scale_hoisted for four values at once, with the vectors of WebAssembly. */
#ifndef TEXTZOO_WASM_SCALE_H
#define TEXTZOO_WASM_SCALE_H

#include <wasm_simd128.h>

#include "textzoo/fixedpoint.h"

/* tz_upper_product in every lane: (a * b + 2^31) >> 32. */
static inline v128_t tz_upper_four(v128_t a, v128_t b)
{
    const v128_t half = wasm_i64x2_const_splat(INT64_C(1) << 31);
    const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(a, b), half);
    const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(a, b), half);
    return wasm_i32x4_shuffle(low, high, 1, 3, 5, 7);
}

/* The same steps as tz_scale_hoisted. */
static inline v128_t tz_scale_four(v128_t values, tz_hoisted_t scale)
{
    const v128_t raised = wasm_i32x4_shl(values, (uint32_t)scale.left);
    const v128_t product = tz_upper_four(raised, wasm_i32x4_splat(scale.multiplier));
    const v128_t away = wasm_i32x4_add(product, wasm_i32x4_shr(product, 31));
    const v128_t shifted = wasm_i32x4_shr(away, (uint32_t)scale.right);
    return wasm_i32x4_shr(wasm_i32x4_add(shifted, wasm_i32x4_splat(scale.offset)), 1);
}

/* Sixteen bytes as int32, a zero point subtracted. */
static inline void tz_widen_sixteen(const int8_t *bytes, int32_t zero_point, v128_t *values)
{
    const v128_t offset = wasm_i16x8_splat((int16_t)zero_point);
    const v128_t first = wasm_i16x8_sub(wasm_i16x8_load8x8(bytes), offset);
    const v128_t second = wasm_i16x8_sub(wasm_i16x8_load8x8(bytes + 8), offset);
    values[0] = wasm_i32x4_extend_low_i16x8(first);
    values[1] = wasm_i32x4_extend_high_i16x8(first);
    values[2] = wasm_i32x4_extend_low_i16x8(second);
    values[3] = wasm_i32x4_extend_high_i16x8(second);
}

/* Sixteen int32 to int8, saturating. */
static inline v128_t tz_narrow_sixteen(const v128_t *values)
{
    return wasm_i8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(values[0], values[1]),
                                   wasm_i16x8_narrow_i32x4(values[2], values[3]));
}

#endif
