/* 32-bit Arm cores: saturation to known bounds and the rounded upper word of a product are one instruction each. */
#ifndef TEXTZOO_ARCH_ARM_H
#define TEXTZOO_ARCH_ARM_H

#include <stdint.h>

#if defined(__ARM_FEATURE_SAT)
#define TZ_HAS_CLAMP 1
static inline int32_t tz_clamp(int32_t value, int32_t minimum, int32_t maximum)
{
    /* Where the bounds are known to be those of int8 or int16. */
    if (__builtin_constant_p(minimum) && __builtin_constant_p(maximum)) {
        int32_t saturated; /* not __ssat, which GCC 12 declares in a way that -Wconversion objects to */
        if (minimum == INT8_MIN && maximum == INT8_MAX) {
            __asm__("ssat %0, #8, %1" : "=r"(saturated) : "r"(value));
            return saturated;
        }
        if (minimum == INT16_MIN && maximum == INT16_MAX) {
            __asm__("ssat %0, #16, %1" : "=r"(saturated) : "r"(value));
            return saturated;
        }
        if (minimum == 0 && maximum == INT16_MAX) {
            __asm__("usat %0, #15, %1" : "=r"(saturated) : "r"(value));
            return saturated;
        }
    }
    if (value < minimum) {
        return minimum;
    }
    return value > maximum ? maximum : value;
}

/* SSAT shifts, too. Unoptimized code and Clang may have no constants for it. */
#if defined(__OPTIMIZE__) && !defined(__clang__)
#define TZ_HAS_CLAMP_SHIFTED 1
static inline int32_t tz_clamp_shifted(int32_t value, int shift, int32_t minimum, int32_t maximum)
{
    if (__builtin_constant_p(shift) && __builtin_constant_p(minimum) && __builtin_constant_p(maximum) &&
        minimum == INT8_MIN && maximum == INT8_MAX && shift >= 1 && shift <= 31) {
        int32_t saturated;
        __asm__("ssat %0, #8, %1, asr %2" : "=r"(saturated) : "r"(value), "i"(shift));
        return saturated;
    }
    return tz_clamp(value >> shift, minimum, maximum);
}
#endif
#endif

/* GCC would take three instructions, and five for the other product. With a multiplier m >= 2^30 that is known when
 * compiling, (a m + 2^30) >> 31 = (2 m a + 2^31) >> 32 is SMMLAR of a and 2 m - 2^32, which is an int32: it adds the a
 * that is missing. */
#if defined(__ARM_FEATURE_DSP) && !defined(TZ_HAS_UPPER_PRODUCT)
#define TZ_HAS_UPPER_PRODUCT 1
static inline int32_t tz_upper_product(int32_t a, int32_t b)
{
    int32_t upper;
    __asm__("smmulr %0, %1, %2" : "=r"(upper) : "r"(a), "r"(b));
    return upper;
}
#endif

#if defined(__ARM_FEATURE_DSP) && !defined(TZ_HAS_HIGH_MULTIPLY)
#define TZ_HAS_HIGH_MULTIPLY 1
static inline int32_t tz_high_multiply(int32_t a, int32_t b)
{
    if (__builtin_constant_p(b) && b >= 1 << 30) {
        int32_t product;
        __asm__("smmlar %0, %1, %2, %1" : "=r"(product) : "r"(a), "r"((int32_t)((uint32_t)b * 2)));
        return product;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

#define TZ_HAS_HIGH_MULTIPLY_SMALL 1
static inline int32_t tz_high_multiply_small(int32_t a, int32_t b)
{
    if (__builtin_constant_p(b) && b >= 1 << 30) {
        return tz_high_multiply(a, b);
    }
    return tz_upper_product(a * 2, b);
}
#endif

#endif
