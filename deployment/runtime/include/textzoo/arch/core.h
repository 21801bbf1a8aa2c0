/* Functions that replace those of fixedpoint.h where a core has shorter instruction sequences than compilers find. Each
 * one defines TZ_HAS_... */
#ifndef TEXTZOO_ARCH_CORE_H
#define TEXTZOO_ARCH_CORE_H

#if defined(__XTENSA__)
#include "textzoo/arch/xtensa.h"
#endif
#if defined(TZ_HALVES)
#include "textzoo/arch/halves.h"
#endif
#if defined(__arm__)
#include "textzoo/arch/arm.h"
#endif
#include "textzoo/arch/vectors.h"

#endif
