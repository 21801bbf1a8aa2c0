/* Cortex-M55 with the vector extension for integers (Helium): 16 instructions for 7 rows by 8 columns.
 *
 * VLDRB widens 8 weights to int16, VMLADAVA adds their products with 8 inputs to a sum in a core register. It addresses
 * the even registers only; seven rows take all of them but LR, the loop counter. Sums start from the bias, wrap, and
 * fit 32 bits in the end, as the contract says.
 *
 * Weights: int8. Blocks of seven rows, then the remaining rows one by one. A block is, for every 8 columns, 8 weights
 * of each of its rows; missing columns are 0.
 * Scratch: the sums of a tile (int32); then, if the columns are no multiple of 8, the inputs followed by zeros. */
#include "textzoo/fully_connected_s16.h"

#include <arm_mve.h>
#include <string.h>

enum {
    BLOCK = 7,
    TILE = 4 * BLOCK, /* rows; the last tile has up to six more */
    GROUP = 8,        /* columns in a vector */
};

/* -------------------------------------------------------------------------------------------------------- sums */

/* The loop assigns every register. Unoptimized code and Clang do not let it, nor does -fno-omit-frame-pointer:
 * define TZ_NO_ASSEMBLY for that. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

#define SUMS "{r0, r2, r4, r6, r8, r10, r12}"
#define ADD_ROW(sum)                                                                                                   \
    "vldrb.s16 q0, [%[w]], #8\n"                                                                                       \
    "vmladava.s16 " sum ", q1, q0\n"

/* Blocks of seven rows; returns the weights behind them. */
static __attribute__((noinline)) const int8_t *dot_blocks(const int8_t *weights, const int16_t *inputs, int32_t groups,
                                                          const int32_t *bias, int32_t *sums, const int32_t *sums_end)
{
    const int16_t *x = inputs;
    if (sums == sums_end) {
        return weights;
    }
    __asm__ volatile("1:\n"
                     "ldmia %[bias]!, " SUMS "\n"
                     "dls lr, %[groups]\n"
                     "2:\n"
                     "vldrh.16 q1, [%[x]], #16\n" ADD_ROW("r0") ADD_ROW("r2") ADD_ROW("r4") ADD_ROW("r6") ADD_ROW("r8")
                         ADD_ROW("r10") ADD_ROW("r12")
                     "le lr, 2b\n"
                     "stmia %[sums]!, " SUMS "\n"
                     "ldr r0, %[end]\n"
                     "ldr %[x], %[inputs]\n"
                     "cmp %[sums], r0\n"
                     "bne 1b\n"
                     : [w] "+l"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(groups), [inputs] "m"(inputs), [end] "m"(sums_end)
                     : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "cc", "memory");
    return weights;
}

#else

static const int8_t *dot_blocks(const int8_t *weights, const int16_t *inputs, int32_t groups, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    for (; sums != sums_end; sums += BLOCK, bias += BLOCK, weights += groups * GROUP * BLOCK) {
        for (int32_t row = 0; row < BLOCK; ++row) {
            sums[row] = bias[row];
            for (int32_t group = 0; group < groups; ++group) {
                const int16x8_t lanes = vldrbq_s16(weights + (group * BLOCK + row) * GROUP);
                sums[row] = vmladavaq_s16(sums[row], lanes, vldrhq_s16(inputs + group * GROUP));
            }
        }
    }
    return weights;
}

#endif

/* sum + one row. */
static int32_t dot_row(const int8_t *weights, const int16_t *inputs, int32_t groups, int32_t sum)
{
    for (; groups > 0; --groups, weights += GROUP, inputs += GROUP) {
        sum = vmladavaq_s16(sum, vldrbq_s16(weights), vldrhq_s16(inputs));
    }
    return sum;
}

/* Rows of a tile; returns the weights behind them. */
static const int8_t *dot_tile(const int8_t *weights, const int16_t *inputs, int32_t groups, const int32_t *bias,
                              int32_t rows, int32_t *sums)
{
    const int32_t whole = rows / BLOCK * BLOCK;
    weights = dot_blocks(weights, inputs, groups, bias, sums, sums + whole);
    for (int32_t row = whole; row < rows; ++row, weights += groups * GROUP) {
        sums[row] = dot_row(weights, inputs, groups, bias[row]);
    }
    return weights;
}

/* ---------------------------------------------------------------------------------------------- requantization */

/* The upper word of tz_scale_precise_short's product in each lane:
 * value * high = 2^32 * VMULH + VMUL, the lower word without a sign; VQDMULH is (value * low) >> 31, and cannot
 * saturate because low is not -2^31. With 1 subtracted where value is negative that is `added`, which fits 32 bits: the
 * smallest VQDMULH is 1 - 2^31. The sum's upper word is VMULH, the sign of `added` and the carry of the lower words. */
static inline int32x4_t upper_words(int32x4_t value, int32x4_t high, int32x4_t low)
{
    const uint32x4_t lower = vreinterpretq_u32_s32(vmulq_s32(value, high));
    const int32x4_t added = vaddq_s32(vqdmulhq_s32(value, low), vshrq_n_s32(value, 31));
    const uint32x4_t total = vaddq_u32(lower, vreinterpretq_u32_s32(added));
    const int32x4_t upper = vaddq_s32(vmulhq_s32(value, high), vshrq_n_s32(added, 31));
    return vaddq_m_n_s32(upper, upper, 1, vcmphiq_u32(lower, total));
}

/* Four rows at a time. VRSHL by shift + 1 < 0 is the rounding shift of tz_scale_precise_short. */
static void requantize(const tz_fully_connected_s16_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                       int16_t *output)
{
    const int32x4_t minimum = vdupq_n_s32(layer->minimum), maximum = vdupq_n_s32(layer->maximum);
    const int32_t *high = layer->multipliers + row, *low = layer->low_multipliers + row;
    const int8_t *shift = layer->shifts + row;
    for (; rows > 0; rows -= 4, sums += 4, high += 4, low += 4, shift += 4, output += 4) {
        const mve_pred16_t some = vctp32q((uint32_t)rows);
        const int32x4_t value = vldrwq_z_s32(sums, some);
        const int32x4_t upper = upper_words(value, vldrwq_z_s32(high, some), vldrwq_z_s32(low, some));
        const int32x4_t scaled = vrshlq_s32(upper, vaddq_n_s32(vldrbq_z_s32(shift, some), 1));
        vstrhq_p_s32(output, vminq_s32(vmaxq_s32(scaled, minimum), maximum), some);
    }
}

/* ----------------------------------------------------------------------------------------------------- the layer */

void tz_fully_connected_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output, void *scratch)
{
    const int32_t groups = (layer->columns + GROUP - 1) / GROUP;
    const int8_t *weights = (const int8_t *)layer->weights;
    int32_t *const sums = (int32_t *)scratch;
    int32_t rows;
    if (layer->columns % GROUP) {
        const int32_t most = layer->rows < TILE + BLOCK ? layer->rows : TILE + BLOCK - 1;
        int16_t *const copy = (int16_t *)(void *)(sums + most);
        memset(copy + (groups - 1) * GROUP, 0, GROUP * sizeof *copy);
        input = (const int16_t *)memcpy(copy, input, (size_t)layer->columns * sizeof *copy);
    }
    for (int32_t row = 0; row < layer->rows; row += rows) {
        rows = layer->rows - row < TILE + BLOCK ? layer->rows - row : TILE;
        weights = dot_tile(weights, input, groups, layer->bias + row, rows, sums);
        requantize(layer, row, rows, sums, output + row);
    }
}
