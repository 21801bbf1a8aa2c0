/* Cortex-M55 with the vector extension for integers (Helium): 14 instructions for 7 rows by 16 columns.
 *
 * Weights: int8. Blocks of seven rows, then the remaining rows one by one. A block is, for every 16 columns, 16 weights
 * of each of its rows; missing columns are 0. Everything else: row_tiles.inc. */
enum { BLOCK = 7, TILE = 18 * BLOCK, NEEDS_SUM = 0 };

#include "row_tiles.inc"

#if HAND_WRITTEN

#define SUMS "{r0, r2, r4, r6, r8, r10, r12}"
#define SUM_REGISTERS "r0", "r2", "r4", "r6", "r8", "r10", "r12"
#define ADD_ROW(inputs, sum)                                                                                           \
    "vldrb.8 q0, [%[w]], #16\n"                                                                                        \
    "vmladava.s8 " sum ", " inputs ", q0\n"
#define ADD_GROUP(inputs)                                                                                              \
    ADD_ROW(inputs, "r0") ADD_ROW(inputs, "r2") ADD_ROW(inputs, "r4") ADD_ROW(inputs, "r6") ADD_ROW(inputs, "r8")      \
        ADD_ROW(inputs, "r10") ADD_ROW(inputs, "r12")

/* Blocks of seven rows, groups >= RESIDENT. */
static __attribute__((noinline)) const int8_t *dot_wide_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs,
                                                               const int32_t *bias, int32_t *sums,
                                                               const int32_t *sums_end)
{
    const int8_t *x = inputs->values, *const others = x + RESIDENT * GROUP;
    __asm__ volatile(LOAD_RESIDENT "1:\n"
                                   "ldmia %[bias]!, " SUMS "\n" ADD_RESIDENT "wls lr, %[groups], 3f\n" ADD_OTHERS "3:\n"
                                   "stmia %[sums]!, " SUMS "\n"
                                   "ldr r0, %[end]\n"
                                   "ldr %[x], %[others]\n"
                                   "cmp %[sums], r0\n"
                                   "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(inputs->groups - RESIDENT), [others] "m"(others), [end] "m"(sums_end)
                     : SUM_REGISTERS, "lr", VECTOR_REGISTERS, "cc", "memory");
    return weights;
}

static __attribute__((noinline)) const int8_t *dot_narrow_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs,
                                                                 const int32_t *bias, int32_t *sums,
                                                                 const int32_t *sums_end)
{
    const int8_t *x = inputs->values, *const first = x;
    __asm__ volatile("1:\n"
                     "ldmia %[bias]!, " SUMS "\n"
                     "dls lr, %[groups]\n" ADD_OTHERS "stmia %[sums]!, " SUMS "\n"
                     "ldr r0, %[end]\n"
                     "ldr %[x], %[first]\n"
                     "cmp %[sums], r0\n"
                     "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(inputs->groups), [first] "m"(first), [end] "m"(sums_end)
                     : SUM_REGISTERS, "lr", "q0", "q1", "cc", "memory");
    return weights;
}

/* Blocks of seven rows. */
static const int8_t *dot_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    if (sums == sums_end) {
        return weights;
    }
    return inputs->groups < RESIDENT ? dot_narrow_blocks(weights, inputs, bias, sums, sums_end)
                                     : dot_wide_blocks(weights, inputs, bias, sums, sums_end);
}

/* sum + one row. */
static int32_t dot_row(const int8_t *weights, const tz_tile_inputs_t *inputs, int32_t sum)
{
    const int8_t *x = inputs->values;
    register int32_t total __asm__("r0") = sum;
    __asm__ volatile("dls lr, %[groups]\n"
                     "1:\n"
                     "vldrb.8 q0, [%[w]], #16\n"
                     "vldrb.8 q1, [%[x]], #16\n"
                     "vmladava.s8 r0, q0, q1\n"
                     "le lr, 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), "+r"(total)
                     : [groups] "r"(inputs->groups)
                     : "lr", "q0", "q1", "memory");
    return total;
}

#else

/* sum + one row, its groups `stride` bytes apart. */
static int32_t dot_strided_row(const int8_t *weights, int32_t stride, const tz_tile_inputs_t *inputs, int32_t sum)
{
    const int8_t *x = inputs->values;
    for (int32_t group = 0; group < inputs->groups; ++group, weights += stride) {
        for (int32_t column = 0; column < GROUP; ++column) {
            sum += weights[column] * *x++;
        }
    }
    return sum;
}

static const int8_t *dot_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    for (; sums != sums_end; sums += BLOCK, bias += BLOCK, weights += inputs->groups * GROUP * BLOCK) {
        for (int32_t row = 0; row < BLOCK; ++row) {
            sums[row] = dot_strided_row(weights + row * GROUP, BLOCK * GROUP, inputs, bias[row]);
        }
    }
    return weights;
}

static int32_t dot_row(const int8_t *weights, const tz_tile_inputs_t *inputs, int32_t sum)
{
    return dot_strided_row(weights, GROUP, inputs, sum);
}

#endif

static const int8_t *dot_tile(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias, int32_t rows,
                              int32_t *sums)
{
    const int32_t whole = rows / BLOCK * BLOCK;
    weights = dot_blocks(weights, inputs, bias, sums, sums + whole);
    for (int32_t row = whole; row < rows; ++row, weights += inputs->groups * GROUP) {
        sums[row] = dot_row(weights, inputs, bias[row]);
    }
    return weights;
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
