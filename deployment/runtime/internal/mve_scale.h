/* tz_scale_hoisted for four values at once, with Helium (MVE). */
#ifndef TEXTZOO_MVE_SCALE_H
#define TEXTZOO_MVE_SCALE_H

#include <arm_mve.h>

#include "textzoo/fixedpoint.h"

/* The same steps as tz_scale_hoisted: VRMULH is tz_upper_product, (a * b + 2^31) >> 32 in every lane. */
static inline int32x4_t tz_scale_four(int32x4_t values, tz_hoisted_t scale)
{
    const int32x4_t raised = vshlq_r_s32(values, scale.left);
    const int32x4_t product = vrmulhq_s32(raised, vdupq_n_s32(scale.multiplier));
    const int32x4_t rounded = vshlq_r_s32(vaddq_s32(product, vshrq_n_s32(product, 31)), -scale.right);
    return vshrq_n_s32(vaddq_n_s32(rounded, scale.offset), 1);
}

static inline int32x4_t tz_saturate_four(int32x4_t values)
{
    return vmaxq_s32(vminq_s32(values, vdupq_n_s32(INT8_MAX)), vdupq_n_s32(INT8_MIN));
}

#endif
