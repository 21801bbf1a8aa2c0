/* What a core computes in fewer instructions than compilers find: functions that take the place of
 * those of fixedpoint.h, each with TZ_HAS_... */
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
