/* Where GCC may vectorize loops, with clamps as a minimum, then a maximum, for any bounds. */
#ifndef TEXTZOO_ARCH_VECTORS_H
#define TEXTZOO_ARCH_VECTORS_H

#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__) && \
    (defined(__SSE2__) || defined(__ARM_NEON) || defined(__ARM_FEATURE_MVE) || defined(__riscv_vector))
#define TZ_GCC_VECTORS 1
#endif

#if defined(TZ_GCC_VECTORS) && !defined(TZ_HAS_CLAMP)
#define TZ_HAS_CLAMP 1
static inline int32_t tz_clamp(int32_t value, int32_t minimum, int32_t maximum)
{
    const int32_t most = value < maximum ? value : maximum;
    return most > minimum ? most : minimum;
}
#endif

#endif
