/* Cortex-M55 with the vector extension for integers (Helium), weights in [-8, 7]: 12 instructions for 6 rows by 16
 * columns.
 *
 * Two rows share a byte: of an even row l and the odd row h after it, column k holds b[k] = 16 * h[k] + l[k] + 8, which
 * is in [-128, 127]. Two multiplications and one shift do both rows:
 *
 *   both += b . x            VMLADAVA: sums 16 * (h . x) + l . x + 8 * S, S the sum of x
 *   high += (b >> 4) . x     VSHR, VMLADAVA: sums h . x, because l + 8 is in [0, 15]
 *
 * Exact: all of it is arithmetic modulo 2^32, so sums may wrap. From high = (bias of h) and both = (bias of l) - 8 S +
 * 16 * high the loop ends with high as it should be and both - 16 * high = (bias of l) + l . x modulo 2^32.
 *
 * Weights: bytes. Blocks of three pairs of rows, then the remaining pairs one by one; a missing last row is 0. A block
 * is, for every 16 columns, 16 bytes of each of its pairs; missing columns are 0. Everything else: row_tiles.inc; the
 * sums in scratch memory are an even number. */
enum { BLOCK = 6, TILE = 21 * BLOCK, NEEDS_SUM = 1 };

#include "row_tiles.inc"

enum { PAIR = 2 };

#if HAND_WRITTEN

#define SUMS "{r0, r2, r4, r6, r8, r10}"
#define SUM_REGISTERS "r0", "r2", "r4", "r6", "r8", "r10"
#define ADD_PAIR(inputs, both, high)                                                                                   \
    "vldrb.8 q0, [%[w]], #16\n"                                                                                        \
    "vmladava.s8 " both ", " inputs ", q0\n"                                                                           \
    "vshr.s8 q0, q0, #4\n"                                                                                             \
    "vmladava.s8 " high ", " inputs ", q0\n"
#define ADD_GROUP(inputs) ADD_PAIR(inputs, "r0", "r2") ADD_PAIR(inputs, "r4", "r6") ADD_PAIR(inputs, "r8", "r10")
#define JOIN_PAIR(both, high)                                                                                          \
    "add " both ", " both ", " high ", lsl #4\n"                                                                       \
    "sub " both ", " both ", %[offset_sum]\n"
#define JOIN JOIN_PAIR("r0", "r2") JOIN_PAIR("r4", "r6") JOIN_PAIR("r8", "r10")
#define SEPARATE_PAIR(both, high) "sub " both ", " both ", " high ", lsl #4\n"
#define SEPARATE SEPARATE_PAIR("r0", "r2") SEPARATE_PAIR("r4", "r6") SEPARATE_PAIR("r8", "r10")

/* Blocks of six rows, groups >= RESIDENT. */
static __attribute__((noinline)) const int8_t *dot_wide_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs,
                                                               const int32_t *bias, int32_t *sums,
                                                               const int32_t *sums_end)
{
    const int8_t *x = inputs->values, *const others = x + RESIDENT * GROUP;
    __asm__ volatile(LOAD_RESIDENT "1:\n"
                                   "ldmia %[bias]!, " SUMS "\n" JOIN ADD_RESIDENT
                                   "wls lr, %[groups], 3f\n" ADD_OTHERS "3:\n" SEPARATE "stmia %[sums]!, " SUMS "\n"
                                   "ldr %[x], %[others]\n"
                                   "cmp %[sums], %[end]\n"
                                   "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(inputs->groups - RESIDENT), [others] "m"(others), [end] "r"(sums_end),
                       [offset_sum] "r"(8 * inputs->sum)
                     : SUM_REGISTERS, "lr", VECTOR_REGISTERS, "cc", "memory");
    return weights;
}

static __attribute__((noinline)) const int8_t *dot_narrow_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs,
                                                                 const int32_t *bias, int32_t *sums,
                                                                 const int32_t *sums_end)
{
    const int8_t *x = inputs->values, *const first = x;
    __asm__ volatile("1:\n"
                     "ldmia %[bias]!, " SUMS "\n" JOIN "dls lr, %[groups]\n" ADD_OTHERS SEPARATE
                     "stmia %[sums]!, " SUMS "\n"
                     "ldr %[x], %[first]\n"
                     "cmp %[sums], %[end]\n"
                     "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(inputs->groups), [first] "m"(first), [end] "r"(sums_end),
                       [offset_sum] "r"(8 * inputs->sum)
                     : SUM_REGISTERS, "lr", "q0", "q1", "cc", "memory");
    return weights;
}

/* Blocks of six rows. */
static const int8_t *dot_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    if (sums == sums_end) {
        return weights;
    }
    return inputs->groups < RESIDENT ? dot_narrow_blocks(weights, inputs, bias, sums, sums_end)
                                     : dot_wide_blocks(weights, inputs, bias, sums, sums_end);
}

static const int8_t *dot_pair(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias, int32_t *sums)
{
    const int8_t *x = inputs->values;
    register int32_t high __asm__("r2") = bias[1];
    register int32_t both __asm__("r0") = bias[0];
    __asm__ volatile(JOIN_PAIR("r0", "r2") "dls lr, %[groups]\n"
                                           "1:\n"
                                           "vldrb.8 q1, [%[x]], #16\n" ADD_PAIR("q1", "r0", "r2") "le lr, 1b\n"
                                           SEPARATE_PAIR("r0", "r2")
                     : [w] "+r"(weights), [x] "+r"(x), "+r"(both), "+r"(high)
                     : [groups] "r"(inputs->groups), [offset_sum] "r"(8 * inputs->sum)
                     : "lr", "q0", "q1", "memory");
    sums[0] = both;
    sums[1] = high;
    return weights;
}

#else

/* A pair of rows, its groups `stride` bytes apart. */
static void dot_strided_pair(const int8_t *weights, int32_t stride, const tz_tile_inputs_t *inputs, const int32_t *bias,
                             int32_t *sums)
{
    const int8_t *x = inputs->values;
    int32_t low = bias[0], high = bias[1];
    for (int32_t group = 0; group < inputs->groups; ++group, weights += stride) {
        for (int32_t column = 0; column < GROUP; ++column, ++x) {
            const int32_t high_weight = weights[column] >> 4;
            low += (weights[column] - 16 * high_weight - 8) * *x;
            high += high_weight * *x;
        }
    }
    sums[0] = low;
    sums[1] = high;
}

static const int8_t *dot_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    for (; sums != sums_end; sums += BLOCK, bias += BLOCK, weights += inputs->groups * GROUP * BLOCK / PAIR) {
        for (int32_t row = 0; row < BLOCK; row += PAIR) {
            dot_strided_pair(weights + row / PAIR * GROUP, BLOCK / PAIR * GROUP, inputs, bias + row, sums + row);
        }
    }
    return weights;
}

static const int8_t *dot_pair(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias, int32_t *sums)
{
    dot_strided_pair(weights, GROUP, inputs, bias, sums);
    return weights + inputs->groups * GROUP;
}

#endif

static const int8_t *dot_tile(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias, int32_t rows,
                              int32_t *sums)
{
    const int32_t whole = rows / BLOCK * BLOCK;
    weights = dot_blocks(weights, inputs, bias, sums, sums + whole);
    for (int32_t row = whole; row < rows; row += PAIR) {
        const int32_t pair_bias[PAIR] = {bias[row], row + 1 < rows ? bias[row + 1] : 0};
        weights = dot_pair(weights, inputs, pair_bias, sums + row);
    }
    return weights;
}

void tz_fully_connected_s8_w4(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
