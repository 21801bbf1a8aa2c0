/* Cortex-M55 with the vector extension for integers (Helium): 14 instructions for 7 rows by 16 columns.
 *
 * VMLADAVA adds 16 products of int8 to a sum in a core register. It addresses the even registers only; seven rows take
 * all of them but LR, the loop counter. The first 96 inputs stay in vector registers while the rows pass; where columns
 * are fewer, and for the columns beyond, inputs are loaded once per block of rows. Sums start from the bias and wait in
 * scratch memory to be requantized four rows at a time.
 *
 * Weights: int8. Blocks of seven rows, then the remaining rows one by one. A block is, for every 16 columns, 16 weights
 * of each of its rows; missing columns are 0.
 * Scratch: if the columns are no multiple of 16, the inputs followed by zeros; then the sums of a tile (int32). */
#include "textzoo/fully_connected_s8.h"

#include <string.h>

#include "textzoo/fixedpoint.h"

/* The loops give every register its place. Unoptimized code and Clang do not let them, nor does
 * -fno-omit-frame-pointer: define TZ_NO_ASSEMBLY for that. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

enum {
    BLOCK = 7,
    TILE = 18 * BLOCK, /* rows; the last tile has up to six more */
    GROUP = 16,        /* columns in a vector */
    RESIDENT = 6,      /* groups of inputs that stay in registers */
};

/* -------------------------------------------------------------------------------------------------------- sums */

#if HAND_WRITTEN

#define SUMS "{r0, r2, r4, r6, r8, r10, r12}"
#define SUM_REGISTERS "r0", "r2", "r4", "r6", "r8", "r10", "r12"
#define VECTOR_REGISTERS "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7"
#define ADD_ROW(inputs, sum)                                                                                           \
    "vldrb.8 q0, [%[w]], #16\n"                                                                                        \
    "vmladava.s8 " sum ", " inputs ", q0\n"
#define ADD_GROUP(inputs)                                                                                              \
    ADD_ROW(inputs, "r0") ADD_ROW(inputs, "r2") ADD_ROW(inputs, "r4") ADD_ROW(inputs, "r6") ADD_ROW(inputs, "r8")      \
        ADD_ROW(inputs, "r10") ADD_ROW(inputs, "r12")

/* Blocks of seven rows, `groups` >= RESIDENT. */
static __attribute__((noinline)) const int8_t *dot_wide_blocks(const int8_t *weights, const int8_t *inputs,
                                                               int32_t groups, const int32_t *bias, int32_t *sums,
                                                               const int32_t *sums_end)
{
    const int8_t *x = inputs, *const others = inputs + RESIDENT * GROUP;
    __asm__ volatile("vldrb.8 q2, [%[x]], #16\n"
                     "vldrb.8 q3, [%[x]], #16\n"
                     "vldrb.8 q4, [%[x]], #16\n"
                     "vldrb.8 q5, [%[x]], #16\n"
                     "vldrb.8 q6, [%[x]], #16\n"
                     "vldrb.8 q7, [%[x]], #16\n"
                     "1:\n"
                     "ldmia %[bias]!, " SUMS "\n" ADD_GROUP("q2") ADD_GROUP("q3") ADD_GROUP("q4") ADD_GROUP("q5")
                         ADD_GROUP("q6") ADD_GROUP("q7")
                     "wls lr, %[groups], 3f\n"
                     "2:\n"
                     "vldrb.8 q1, [%[x]], #16\n" ADD_GROUP("q1")
                     "le lr, 2b\n"
                     "3:\n"
                     "stmia %[sums]!, " SUMS "\n"
                     "ldr r0, %[end]\n"
                     "ldr %[x], %[others]\n"
                     "cmp %[sums], r0\n"
                     "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(groups - RESIDENT), [others] "m"(others), [end] "m"(sums_end)
                     : SUM_REGISTERS, "lr", VECTOR_REGISTERS, "cc", "memory");
    return weights;
}

static __attribute__((noinline)) const int8_t *dot_narrow_blocks(const int8_t *weights, const int8_t *inputs,
                                                                 int32_t groups, const int32_t *bias, int32_t *sums,
                                                                 const int32_t *sums_end)
{
    const int8_t *x = inputs;
    __asm__ volatile("1:\n"
                     "ldmia %[bias]!, " SUMS "\n"
                     "dls lr, %[groups]\n"
                     "2:\n"
                     "vldrb.8 q1, [%[x]], #16\n" ADD_GROUP("q1")
                     "le lr, 2b\n"
                     "stmia %[sums]!, " SUMS "\n"
                     "ldr r0, %[end]\n"
                     "ldr %[x], %[inputs]\n"
                     "cmp %[sums], r0\n"
                     "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(groups), [inputs] "m"(inputs), [end] "m"(sums_end)
                     : SUM_REGISTERS, "lr", "q0", "q1", "cc", "memory");
    return weights;
}

/* Blocks of seven rows. */
static const int8_t *dot_blocks(const int8_t *weights, const int8_t *inputs, int32_t groups, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    if (sums == sums_end) {
        return weights;
    }
    return groups < RESIDENT ? dot_narrow_blocks(weights, inputs, groups, bias, sums, sums_end)
                             : dot_wide_blocks(weights, inputs, groups, bias, sums, sums_end);
}

/* sum + one row. */
static int32_t dot_row(const int8_t *weights, const int8_t *inputs, int32_t groups, int32_t sum)
{
    register int32_t total __asm__("r0") = sum;
    __asm__ volatile("dls lr, %[groups]\n"
                     "1:\n"
                     "vldrb.8 q0, [%[w]], #16\n"
                     "vldrb.8 q1, [%[x]], #16\n"
                     "vmladava.s8 r0, q0, q1\n"
                     "le lr, 1b\n"
                     : [w] "+r"(weights), [x] "+r"(inputs), "+r"(total)
                     : [groups] "r"(groups)
                     : "lr", "q0", "q1", "memory");
    return total;
}

#else

/* sum + one row, its groups `stride` bytes apart. */
static int32_t dot_strided_row(const int8_t *weights, int32_t stride, const int8_t *inputs, int32_t groups, int32_t sum)
{
    for (; groups > 0; --groups, weights += stride) {
        for (int32_t column = 0; column < GROUP; ++column) {
            sum += weights[column] * *inputs++;
        }
    }
    return sum;
}

static const int8_t *dot_blocks(const int8_t *weights, const int8_t *inputs, int32_t groups, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    for (; sums != sums_end; sums += BLOCK, bias += BLOCK, weights += groups * GROUP * BLOCK) {
        for (int32_t row = 0; row < BLOCK; ++row) {
            sums[row] = dot_strided_row(weights + row * GROUP, BLOCK * GROUP, inputs, groups, bias[row]);
        }
    }
    return weights;
}

static int32_t dot_row(const int8_t *weights, const int8_t *inputs, int32_t groups, int32_t sum)
{
    return dot_strided_row(weights, GROUP, inputs, groups, sum);
}

#endif

/* Rows of a tile. */
static const int8_t *dot_tile(const int8_t *weights, const int8_t *inputs, int32_t groups, const int32_t *bias,
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
        const int32_t scaled = tz_scale_single(*sums++, layer->multipliers[row], layer->shifts[row]);
        output[row] = (int8_t)tz_clamp(scaled + layer->output_zero_point, layer->minimum, layer->maximum);
    }
}

/* ----------------------------------------------------------------------------------------------------- the layer */

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
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
    for (int32_t row = 0; row < layer->rows; row += rows) {
        rows = layer->rows - row < TILE + BLOCK ? layer->rows - row : TILE;
        weights = dot_tile(weights, input, groups, layer->bias + row, rows, sums);
        if (lanes) {
            requantize_lanes(layer, row, rows, sums, output);
        } else {
            requantize_rows(layer, row, rows, sums, output);
        }
    }
}
