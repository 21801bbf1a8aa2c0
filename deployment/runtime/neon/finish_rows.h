/* Rows' sums to their outputs, for 64-bit Arm cores. */
#ifndef TEXTZOO_FINISH_ROWS_H
#define TEXTZOO_FINISH_ROWS_H

#include <arm_neon.h>
#include <string.h>

#include "../internal/row_output.h"
#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = 4,  /* rows whose sums are in a vector */
    BLOCK = 16, /* rows */
};

/* Any rows, from their sums. */
static void requantize_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                            int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = tz_row_output_s8(layer, row, *sums++);
    }
}

/* Four rows, without the zero point; shifts are below 0.
 *
 * tz_scale_single is floor((s m + 2^(t-1)) / 2^t), t = 31 - shift. SQDMULH gives floor(s m / 2^31), which does not
 * saturate because m is not -2^31, and SRSHL by a shift <= -1 turns h into floor((h + 2^(-shift-1)) / 2^-shift). Since
 * 2^(t-1) is a multiple of 2^31, that is the same number: there is only one rounding. */
INLINE int32x4_t scaled_lanes(const int32_t *multipliers, int32x4_t sums, int32x4_t shifts)
{
    return vrshlq_s32(vqdmulhq_s32(sums, vld1q_s32(multipliers)), shifts);
}

/* Sixteen rows. Saturating to int16 before the zero point is added changes no output: they are clamped to int8. */
static inline void requantize_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32x4_t *sums,
                                    int8_t *output)
{
    const int8x16_t shifts = vld1q_s8(layer->shifts + row);
    if (vmaxvq_s8(shifts) >= 0) {
        int32_t each[BLOCK];
        memcpy(each, sums, sizeof each);
        requantize_rows(layer, row, BLOCK, each, output);
        return;
    }
    const int32_t *multipliers = layer->multipliers + row;
    const int16x8_t first = vmovl_s8(vget_low_s8(shifts)), second = vmovl_high_s8(shifts);
    const int32x4_t a = scaled_lanes(multipliers, sums[0], vmovl_s16(vget_low_s16(first)));
    const int32x4_t b = scaled_lanes(multipliers + 4, sums[1], vmovl_high_s16(first));
    const int32x4_t c = scaled_lanes(multipliers + 8, sums[2], vmovl_s16(vget_low_s16(second)));
    const int32x4_t d = scaled_lanes(multipliers + 12, sums[3], vmovl_high_s16(second));
    const int16x8_t zero_point = vdupq_n_s16((int16_t)layer->output_zero_point);
    const int16x8_t low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero_point);
    const int16x8_t high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), zero_point);
    const int8x16_t raised = vmaxq_s8(vqmovn_high_s16(vqmovn_s16(low), high), vdupq_n_s8((int8_t)layer->minimum));
    vst1q_s8(output + row, vminq_s8(raised, vdupq_n_s8((int8_t)layer->maximum)));
}

#endif
