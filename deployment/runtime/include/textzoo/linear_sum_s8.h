/* ADD or SUB of two int8 tensors of the same shape, where the compiler has found integers that give the same for every
 * pair of operands (tz_linear_sum of elementwise.h), for variants that compute several elements at once. */
#ifndef TEXTZOO_LINEAR_SUM_S8_H
#define TEXTZOO_LINEAR_SUM_S8_H

#include <stdint.h>

/* output = clamp((a * a_factor + b * b_factor + offset) >> 22) to int8; nothing of it leaves 32 bits. */
typedef struct {
    int32_t count;              /* elements, >= 1 */
    int32_t a_factor, b_factor; /* in (-2^23, 2^23) */
    int32_t offset;
} tz_linear_sum_s8_t;

enum { TZ_LINEAR_SHIFT = 22 };

/* a, b, output: (count), at any address; output may be the memory of a or of b. */
void tz_linear_sum_s8(const tz_linear_sum_s8_t *sum, const int8_t *a, const int8_t *b, int8_t *output);

#endif
