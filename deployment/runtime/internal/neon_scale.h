/* tz_scale_hoisted for four values at once, with NEON of 64-bit Arm cores. */
#ifndef TEXTZOO_NEON_SCALE_H
#define TEXTZOO_NEON_SCALE_H

#include <arm_neon.h>

#include "textzoo/fixedpoint.h"

/* A tz_hoisted_t in vectors. */
typedef struct {
    int32x4_t left, multiplier, right, offset;
} tz_lanes_scale_t;

/* SQRDMULH doubles the product itself, so that the values are raised by one bit less; it cannot saturate, because no
 * multiplier is -2^31. A shift by a negative number of bits goes to the right. */
static inline tz_lanes_scale_t tz_lanes_scale(tz_hoisted_t scale)
{
    return (tz_lanes_scale_t){vdupq_n_s32(scale.left - 1), vdupq_n_s32(scale.multiplier), vdupq_n_s32(-scale.right),
                              vdupq_n_s32(scale.offset)};
}

/* The same steps as tz_scale_hoisted; SHADD is (a + b) >> 1. */
static inline int32x4_t tz_scale_four(int32x4_t values, tz_lanes_scale_t scale)
{
    const int32x4_t product = vqrdmulhq_s32(vshlq_s32(values, scale.left), scale.multiplier);
    const int32x4_t away = vsraq_n_s32(product, product, 31);
    return vhaddq_s32(vshlq_s32(away, scale.right), scale.offset);
}

/* Sixteen values of int8 as int32, a zero point subtracted. */
static inline void tz_widen_sixteen(int8x16_t bytes, int32_t zero_point, int32x4_t *values)
{
    const int8x8_t low = vget_low_s8(bytes), high = vget_high_s8(bytes);
    const int16x8_t offset = vdupq_n_s16((int16_t)zero_point);
    const int16x8_t first = vsubq_s16(vmovl_s8(low), offset), second = vsubq_s16(vmovl_s8(high), offset);
    values[0] = vmovl_s16(vget_low_s16(first));
    values[1] = vmovl_high_s16(first);
    values[2] = vmovl_s16(vget_low_s16(second));
    values[3] = vmovl_high_s16(second);
}

/* Sixteen int32 to int8, saturating. */
static inline int8x16_t tz_narrow_sixteen(const int32x4_t *values)
{
    const int16x8_t first = vqmovn_high_s32(vqmovn_s32(values[0]), values[1]);
    const int16x8_t second = vqmovn_high_s32(vqmovn_s32(values[2]), values[3]);
    return vqmovn_high_s16(vqmovn_s16(first), second);
}

#endif
