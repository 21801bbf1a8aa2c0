/* WebAssembly with vectors: sixteen elements at a time, four in a vector of int32; the rest like the generic kernel. */
#include "textzoo/add_s8.h"

#include "../internal/wasm_scale.h"

enum { GROUP = 16, VECTORS = 4 };

void tz_add_s8(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    /* Copies, because the compiler must assume that storing an output changes the struct. */
    const tz_hoisted_t from_a = add->a, from_b = add->b, to_output = add->output;
    const int32_t count = add->count, a_zero_point = add->a_zero_point, b_zero_point = add->b_zero_point;
    const v128_t minimum = wasm_i8x16_splat((int8_t)add->minimum), maximum = wasm_i8x16_splat((int8_t)add->maximum);
    int32_t i = 0;
    for (; i + GROUP <= count; i += GROUP) {
        v128_t left[VECTORS], right[VECTORS];
        tz_widen_sixteen(a + i, a_zero_point, left);
        tz_widen_sixteen(b + i, b_zero_point, right);
        for (int vector = 0; vector < VECTORS; ++vector) {
            const v128_t sum =
                wasm_i32x4_add(tz_scale_four(left[vector], from_a), tz_scale_four(right[vector], from_b));
            left[vector] = tz_scale_four(sum, to_output);
        }
        const v128_t lowered = wasm_i8x16_min(tz_narrow_sixteen(left), maximum);
        wasm_v128_store(output + i, wasm_i8x16_max(lowered, minimum));
    }
    for (; i < count; ++i) {
        const int32_t left = tz_scale_hoisted(a[i] - a_zero_point, from_a);
        const int32_t right = tz_scale_hoisted(b[i] - b_zero_point, from_b);
        output[i] = (int8_t)tz_clamp(tz_scale_hoisted(left + right, to_output), add->minimum, add->maximum);
    }
}
