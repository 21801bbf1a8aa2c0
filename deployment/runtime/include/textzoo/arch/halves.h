/* Upper words of products without an instruction for them, from products of 16 bits. */
#ifndef TEXTZOO_ARCH_HALVES_H
#define TEXTZOO_ARCH_HALVES_H

#include <stdint.h>

/* a * b = 2^32 * upper + 2^16 * middle + something in [0, 2^16). Schoolbook with digits of 16 bits, the upper ones with
 * their sign: no sum overflows, as 2^15 * (2^16 - 1) + 2^16 - 1 < 2^31. The rounding constant is a multiple of 2^16, so
 * that the lowest part never matters. */
typedef struct {
    int32_t upper, middle;
} tz_product_t;

static inline tz_product_t tz_product_of_halves(int32_t a, int32_t b)
{
    const uint32_t a0 = (uint32_t)a & 0xFFFFu, b0 = (uint32_t)b & 0xFFFFu;
    const int32_t a1 = a >> 16, b1 = b >> 16;
    const int32_t middle = a1 * (int32_t)b0 + (int32_t)(a0 * b0 >> 16);
    return (tz_product_t){a1 * b1 + (middle >> 16), (int32_t)a0 * b1 + (middle & 0xFFFF)};
}

#define TZ_HAS_HIGH_MULTIPLY 1
static inline int32_t tz_high_multiply(int32_t a, int32_t b)
{
    const tz_product_t product = tz_product_of_halves(a, b);
    return (int32_t)((uint32_t)product.upper * 2 + (uint32_t)(((product.middle >> 14) + 1) >> 1));
}

#define TZ_HAS_UPPER_PRODUCT 1
static inline int32_t tz_upper_product(int32_t a, int32_t b)
{
    const tz_product_t product = tz_product_of_halves(a, b);
    return product.upper + (((product.middle >> 15) + 1) >> 1);
}

#endif
