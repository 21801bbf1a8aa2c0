/* ADD of two int8 tensors of the same shape, as tz_add does it, for variants that compute several elements at once. */
#ifndef TEXTZOO_ADD_S8_H
#define TEXTZOO_ADD_S8_H

#include <stdint.h>

#include "textzoo/fixedpoint.h"

typedef struct {
    int32_t count;                      /* elements, >= 1 */
    int32_t a_zero_point, b_zero_point;
    tz_hoisted_t a, b;                  /* to the common scale, its left shift included; no zero point */
    tz_hoisted_t output;
    int32_t minimum, maximum;           /* of the output: the fused activation */
} tz_add_s8_t;

/* a, b, output: (count); output may be the memory of a or of b. */
void tz_add_s8(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output);

#endif
