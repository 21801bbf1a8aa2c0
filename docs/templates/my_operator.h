/* BITWISE_XOR of integers: inline, so that the generated loops fuse it. */
#ifndef TEXTZOO_BITWISE_XOR_H
#define TEXTZOO_BITWISE_XOR_H

#include <stdint.h>

/* a, b: of the same type, extended by their signs; the result is of that type, too. */
static inline int32_t tz_bitwise_xor(int32_t a, int32_t b)
{
    return a ^ b;
}

#endif
