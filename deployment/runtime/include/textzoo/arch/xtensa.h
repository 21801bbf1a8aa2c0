/* Xtensa: products of 64 bits are computed from 16-bit products (halves.h) on a core that has no instruction for their
 * upper word, or does not declare one. GCC would call a function for each of them. */
#ifndef TEXTZOO_ARCH_XTENSA_H
#define TEXTZOO_ARCH_XTENSA_H

#if defined(__has_include)
#if __has_include(<xtensa/config/core-isa.h>)
#include <xtensa/config/core-isa.h>
#endif
#endif
#if !defined(TZ_HALVES) && !(defined(XCHAL_HAVE_MUL32_HIGH) && XCHAL_HAVE_MUL32_HIGH)
#define TZ_HALVES 1
#endif

#endif
