/* What the kernels of FULLY_CONNECTED int8 for Cortex-M55 share: everything but the sums.
 *
 * VMLADAVA adds 16 products of int8 to a sum in a core register. It addresses the even registers only; seven sums take
 * all of them but LR, the loop counter. The first 96 inputs stay in vector registers while the rows pass; where columns
 * are fewer, and for the columns beyond, inputs are loaded once per block of rows. Sums start from the bias and wait in
 * scratch memory to be requantized four rows at a time.
 *
 * A kernel says how many rows a block has, how many a tile (a multiple of them; the last one has up to a block less one
 * more) and whether it has to know the sum of the inputs, includes this file, and defines dot_tile.
 *
 * Scratch: if the columns are no multiple of 16, the inputs followed by zeros; then the sums of a tile (int32), as many
 * more as the kernel says. */
#ifndef TEXTZOO_ROW_TILES_H
#define TEXTZOO_ROW_TILES_H

#include <string.h>

#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

/* The loops give every register its place. Unoptimized code and Clang do not let them, nor does
 * -fno-omit-frame-pointer: define TZ_NO_ASSEMBLY for that. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

enum {
    GROUP = 16,   /* columns in a vector */
    RESIDENT = 6, /* groups of inputs that stay in registers */
};

typedef struct {
    const int8_t *values; /* (groups, 16), zeros behind the last column */
    int32_t groups;       /* >= 1 */
    int32_t sum;          /* of all values, if the kernel needs it */
} inputs_t;

/* Defined by the kernel: sums[row] = bias[row] + weights[row] . inputs for the rows of a tile. Returns the first weight
 * that it did not read. */
static const int8_t *dot_tile(const int8_t *weights, const inputs_t *inputs, const int32_t *bias, int32_t rows,
                              int32_t *sums);

#if HAND_WRITTEN

#define VECTOR_REGISTERS "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7"
#define LOAD_RESIDENT                                                                                                  \
    "vldrb.8 q2, [%[x]], #16\n"                                                                                        \
    "vldrb.8 q3, [%[x]], #16\n"                                                                                        \
    "vldrb.8 q4, [%[x]], #16\n"                                                                                        \
    "vldrb.8 q5, [%[x]], #16\n"                                                                                        \
    "vldrb.8 q6, [%[x]], #16\n"                                                                                        \
    "vldrb.8 q7, [%[x]], #16\n"
/* What the kernel's ADD_GROUP(inputs) does, for the inputs that stay, then for the others. */
#define ADD_RESIDENT ADD_GROUP("q2") ADD_GROUP("q3") ADD_GROUP("q4") ADD_GROUP("q5") ADD_GROUP("q6") ADD_GROUP("q7")
#define ADD_OTHERS                                                                                                     \
    "2:\n"                                                                                                             \
    "vldrb.8 q1, [%[x]], #16\n" ADD_GROUP("q1") "le lr, 2b\n"

static int32_t sum_of(const int8_t *values, int32_t groups)
{
    register int32_t sum __asm__("r0") = 0;
    __asm__ volatile("dls lr, %[groups]\n"
                     "1:\n"
                     "vldrb.8 q0, [%[values]], #16\n"
                     "vaddva.s8 r0, q0\n"
                     "le lr, 1b\n"
                     : [values] "+r"(values), "+r"(sum)
                     : [groups] "r"(groups)
                     : "lr", "q0", "memory");
    return sum;
}

#else

static int32_t sum_of(const int8_t *values, int32_t groups)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < groups * GROUP; ++column) {
        sum += values[column];
    }
    return sum;
}

#endif

/* ---------------------------------------------------------------------------------------------- requantization */

#if HAND_WRITTEN

static int32_t largest_of(const int8_t *shifts, int32_t count)
{
    int32_t largest = INT8_MIN;
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n"
                     "vldrb.8 q0, [%[shifts]], #16\n"
                     "vmaxv.s8 %[largest], q0\n"
                     "letp lr, 1b\n"
                     : [shifts] "+r"(shifts), [largest] "+r"(largest)
                     : [count] "r"(count)
                     : "lr", "q0", "memory");
    return largest;
}

/* Four rows at a time; the last turn is predicated.
 *
 * tz_scale_single is floor((s m + 2^(t-1)) / 2^t), t = 31 - shift. VQDMULH gives floor(s m / 2^31), which does not
 * saturate because m is not -2^31. For shift <= -1, VRSHL by shift turns h into floor((h + 2^(-shift-1)) / 2^-shift).
 * Since 2^(t-1) is a multiple of 2^31, floor(floor(s m / 2^31 + 2^(-shift-1)) / 2^-shift) is the same number: there is
 * only one rounding. */
static void requantize_lanes(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                             int8_t *output)
{
    const int32_t *multipliers = layer->multipliers + row;
    const int8_t *shifts = layer->shifts + row;
    output += row;
    __asm__ volatile("vdup.32 q2, %[minimum]\n"
                     "vdup.32 q3, %[maximum]\n"
                     "dlstp.32 lr, %[rows]\n"
                     "1:\n"
                     "vldrw.32 q0, [%[sums]], #16\n"
                     "vldrw.32 q1, [%[multipliers]], #16\n"
                     "vqdmulh.s32 q0, q0, q1\n"
                     "vldrb.s32 q1, [%[shifts]], #4\n"
                     "vrshl.s32 q0, q0, q1\n"
                     "vadd.i32 q0, q0, %[zero_point]\n"
                     "vmax.s32 q0, q0, q2\n"
                     "vmin.s32 q0, q0, q3\n"
                     "vstrb.32 q0, [%[output]], #4\n"
                     "letp lr, 1b\n"
                     : [sums] "+r"(sums), [multipliers] "+r"(multipliers), [shifts] "+l"(shifts), [output] "+l"(output)
                     : [rows] "r"(rows), [zero_point] "r"(layer->output_zero_point), [minimum] "r"(layer->minimum),
                       [maximum] "r"(layer->maximum)
                     : "lr", "q0", "q1", "q2", "q3", "memory");
}

#else

static int32_t largest_of(const int8_t *shifts, int32_t count)
{
    (void)shifts, (void)count;
    return 0;
}

static void requantize_lanes(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                             int8_t *output)
{
    (void)layer, (void)row, (void)rows, (void)sums, (void)output;
}

#endif

/* Any shifts. */
static void requantize_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                            int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = tz_row_output_s8(layer, row, *sums++);
    }
}

/* ----------------------------------------------------------------------------------------------------- the layer */

/* The layer: what a kernel does. */
static inline void fully_connected(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                   void *scratch)
{
    const int32_t groups = (layer->columns + GROUP - 1) / GROUP;
    const int lanes = largest_of(layer->shifts, layer->rows) < 0;
    const int8_t *weights = layer->weights;
    int32_t *sums = scratch;
    int32_t rows;
    if (layer->columns % GROUP) {
        sums += groups * GROUP / (int32_t)sizeof *sums;
        memset((int8_t *)sums - GROUP, 0, GROUP);
        input = memcpy(scratch, input, (size_t)layer->columns);
    }
    const inputs_t inputs = {input, groups, NEEDS_SUM ? sum_of(input, groups) : 0};
    for (int32_t row = 0; row < layer->rows; row += rows) {
        rows = layer->rows - row < TILE + BLOCK ? layer->rows - row : TILE;
        weights = dot_tile(weights, &inputs, layer->bias + row, rows, sums);
        if (lanes) {
            requantize_lanes(layer, row, rows, sums, output);
        } else {
            requantize_rows(layer, row, rows, sums, output);
        }
    }
}

#endif
