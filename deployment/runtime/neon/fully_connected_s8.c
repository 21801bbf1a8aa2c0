/* 64-bit Arm cores, with the dot product of Armv8.2 or without.
 *
 * A vector holds four columns of four rows. With SDOT a lane of int32 takes four columns of its row at a time. Without,
 * SMULL and SMLAL add two products in int16, which |x| <= 128 and |w| <= 127 cannot overflow (2 * 128 * 127 = 32512), and
 * SADALP adds neighbours to int32: two lanes for each row, brought together at the end.
 *
 * Weights: int8. Blocks of 16 rows, then blocks of 4, the last one filled up with zeros. Of a block, for every 4 columns,
 * the 4 weights of each of its rows; columns are filled up with zeros to a multiple of 16.
 * Scratch: the inputs, filled up with zeros to a multiple of 16. */
#include "textzoo/fully_connected_s8.h"

#include <arm_neon.h>
#include <string.h>

#include "textzoo/fixedpoint.h"

enum {
    LANES = 4,    /* rows in a vector */
    BLOCK = 16,   /* rows */
    VECTOR = 16,  /* bytes */
    PADDING = 16, /* columns */
};

#if defined(__ARM_FEATURE_DOTPROD)

/* Sums of 4 * vectors rows; vectors is 1 or 4. */
static inline __attribute__((always_inline)) const int8_t *dot_rows(const int8_t *weights, const int8_t *inputs, int32_t columns, int vectors,
                                     int32x4_t *sums)
{
    int32x4_t totals[BLOCK / LANES] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int32_t column = 0; column < columns; column += PADDING, weights += 4 * vectors * VECTOR) {
        const int8x16_t x = vld1q_s8(inputs + column);
        for (int i = 0; i < vectors; ++i) {
            const int8_t *from = weights + i * VECTOR;
            const int step = vectors * VECTOR;
            totals[i] = vdotq_laneq_s32(totals[i], vld1q_s8(from), x, 0);
            totals[i] = vdotq_laneq_s32(totals[i], vld1q_s8(from + step), x, 1);
            totals[i] = vdotq_laneq_s32(totals[i], vld1q_s8(from + 2 * step), x, 2);
            totals[i] = vdotq_laneq_s32(totals[i], vld1q_s8(from + 3 * step), x, 3);
        }
    }
    for (int i = 0; i < vectors; ++i) {
        sums[i] = totals[i];
    }
    return weights;
}

#else

/* The same four columns for four rows. */
static inline int8x16_t four_times(const int8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return vreinterpretq_s8_s32(vdupq_n_s32(word));
}

/* Sums of 4 * vectors rows; vectors is 1 or 4. */
static inline __attribute__((always_inline)) const int8_t *dot_rows(const int8_t *weights, const int8_t *inputs, int32_t columns, int vectors,
                                     int32x4_t *sums)
{
    int32x4_t low[BLOCK / LANES] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    int32x4_t high[BLOCK / LANES] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int32_t column = 0; column < columns; column += 8, weights += 2 * vectors * VECTOR) {
        const int8x16_t x = four_times(inputs + column), y = four_times(inputs + column + 4);
        for (int i = 0; i < vectors; ++i) {
            const int8x16_t a = vld1q_s8(weights + i * VECTOR), b = vld1q_s8(weights + (vectors + i) * VECTOR);
            const int16x8_t first = vmull_s8(vget_low_s8(a), vget_low_s8(x));
            const int16x8_t second = vmull_high_s8(a, x);
            low[i] = vpadalq_s16(low[i], vmlal_s8(first, vget_low_s8(b), vget_low_s8(y)));
            high[i] = vpadalq_s16(high[i], vmlal_high_s8(second, b, y));
        }
    }
    for (int i = 0; i < vectors; ++i) {
        sums[i] = vpaddq_s32(low[i], high[i]);
    }
    return weights;
}

#endif

/* Any rows, from their sums without the bias. */
static void requantize_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                            int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        const int32_t sum = *sums++ + layer->bias[row];
        const int32_t scaled = tz_scale_single(sum, layer->multipliers[row], layer->shifts[row]);
        output[row] = (int8_t)tz_clamp(scaled + layer->output_zero_point, layer->minimum, layer->maximum);
    }
}

/* Four rows, not clamped yet; shifts are below 0.
 *
 * tz_scale_single is floor((s m + 2^(t-1)) / 2^t), t = 31 - shift. SQDMULH gives floor(s m / 2^31), which does not
 * saturate because m is not -2^31, and SRSHL by a shift <= -1 turns h into floor((h + 2^(-shift-1)) / 2^-shift). Since
 * 2^(t-1) is a multiple of 2^31, that is the same number: there is only one rounding. */
static inline int32x4_t scaled_lanes(const tz_fully_connected_s8_t *layer, int32_t row, int32x4_t dots, int32x4_t shifts)
{
    const int32x4_t sums = vaddq_s32(dots, vld1q_s32(layer->bias + row));
    const int32x4_t products = vqdmulhq_s32(sums, vld1q_s32(layer->multipliers + row));
    return vaddq_s32(vrshlq_s32(products, shifts), vdupq_n_s32(layer->output_zero_point));
}

/* Sixteen rows. */
static inline void requantize_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32x4_t *dots,
                                    int8_t *output)
{
    const int8x16_t shifts = vld1q_s8(layer->shifts + row);
    if (vmaxvq_s8(shifts) >= 0) {
        int32_t sums[BLOCK];
        memcpy(sums, dots, sizeof sums);
        requantize_rows(layer, row, BLOCK, sums, output);
        return;
    }
    const int16x8_t first = vmovl_s8(vget_low_s8(shifts)), second = vmovl_high_s8(shifts);
    const int32x4_t a = scaled_lanes(layer, row, dots[0], vmovl_s16(vget_low_s16(first)));
    const int32x4_t b = scaled_lanes(layer, row + 4, dots[1], vmovl_high_s16(first));
    const int32x4_t c = scaled_lanes(layer, row + 8, dots[2], vmovl_s16(vget_low_s16(second)));
    const int32x4_t d = scaled_lanes(layer, row + 12, dots[3], vmovl_high_s16(second));
    const int16x8_t low = vqmovn_high_s32(vqmovn_s32(a), b), high = vqmovn_high_s32(vqmovn_s32(c), d);
    const int8x16_t bytes = vqmovn_high_s16(vqmovn_s16(low), high);
    const int8x16_t raised = vmaxq_s8(bytes, vdupq_n_s8((int8_t)layer->minimum));
    vst1q_s8(output + row, vminq_s8(raised, vdupq_n_s8((int8_t)layer->maximum)));
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t columns = (layer->columns + PADDING - 1) / PADDING * PADDING;
    const int8_t *weights = layer->weights;
    int8_t *const inputs = scratch;
    int32x4_t dots[BLOCK / LANES];
    int32_t row = 0;
    memset(inputs + columns - PADDING, 0, PADDING);
    memcpy(inputs, input, (size_t)layer->columns);
    for (; row + BLOCK <= layer->rows; row += BLOCK) {
        weights = dot_rows(weights, inputs, columns, BLOCK / LANES, dots);
        requantize_block(layer, row, dots, output);
    }
    for (; row < layer->rows; row += LANES) {
        int32_t sums[LANES];
        const int32_t left = layer->rows - row;
        weights = dot_rows(weights, inputs, columns, 1, dots);
        memcpy(sums, dots, sizeof sums);
        requantize_rows(layer, row, left < LANES ? left : LANES, sums, output);
    }
}
