/* Cortex-M55 with the vector extension for integers (Helium), weights in [-1, 1]: 8 instructions for 4 rows by 16
 * columns.
 *
 * Four rows a, b, c, d share a byte: column k holds 64 * d[k] + 16 * c[k] + 4 * b[k] + a[k], which is in [-85, 85].
 * VRSHR by 2 rounds it to 16 * d[k] + 4 * c[k] + b[k], because a + 2 is in [1, 3]; and so on. Four multiplications and
 * three shifts do four rows, in four sums:
 *
 *   64 * (d . x) + 16 * (c . x) + 4 * (b . x) + a . x
 *                  16 * (d . x) + 4 * (c . x) + b . x
 *                                 4 * (d . x) + c . x
 *                                               d . x
 *
 * Exact: all of it is arithmetic modulo 2^32, so sums may wrap. Each sum starts from its row's bias and 4 times the
 * start of the next; so each, less 4 times the next, ends as its row's bias and products modulo 2^32.
 *
 * Weights: bytes. Blocks of four rows; missing last rows are 0. A block is 16 bytes for every 16 columns; missing
 * columns are 0. Everything else: row_tiles.inc; the sums in scratch memory are a multiple of four. */
enum { BLOCK = 4, TILE = 32 * BLOCK, NEEDS_SUM = 0 };

#include "row_tiles.inc"

#if HAND_WRITTEN

#define SUMS "{r0, r2, r4, r6}"
#define SUM_REGISTERS "r0", "r2", "r4", "r6"
#define ADD_GROUP(inputs)                                                                                              \
    "vldrb.8 q0, [%[w]], #16\n"                                                                                        \
    "vmladava.s8 r0, " inputs ", q0\n"                                                                                 \
    "vrshr.s8 q0, q0, #2\n"                                                                                            \
    "vmladava.s8 r2, " inputs ", q0\n"                                                                                 \
    "vrshr.s8 q0, q0, #2\n"                                                                                            \
    "vmladava.s8 r4, " inputs ", q0\n"                                                                                 \
    "vrshr.s8 q0, q0, #2\n"                                                                                            \
    "vmladava.s8 r6, " inputs ", q0\n"
#define JOIN                                                                                                           \
    "add r4, r4, r6, lsl #2\n"                                                                                         \
    "add r2, r2, r4, lsl #2\n"                                                                                         \
    "add r0, r0, r2, lsl #2\n"
#define SEPARATE                                                                                                       \
    "sub r0, r0, r2, lsl #2\n"                                                                                         \
    "sub r2, r2, r4, lsl #2\n"                                                                                         \
    "sub r4, r4, r6, lsl #2\n"

/* groups >= RESIDENT. */
static __attribute__((noinline)) const int8_t *dot_wide_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs,
                                                               const int32_t *bias, int32_t *sums,
                                                               const int32_t *sums_end)
{
    const int8_t *x = inputs->values, *const others = x + RESIDENT * GROUP;
    __asm__ volatile(LOAD_RESIDENT "1:\n"
                                   "ldmia %[bias]!, " SUMS "\n" JOIN ADD_RESIDENT
                                   "mov %[x], %[others]\n"
                                   "wls lr, %[groups], 3f\n" ADD_OTHERS "3:\n" SEPARATE "stmia %[sums]!, " SUMS "\n"
                                   "cmp %[sums], %[end]\n"
                                   "bne 1b\n"
                     : [w] "+r"(weights), [x] "+r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(inputs->groups - RESIDENT), [others] "r"(others), [end] "r"(sums_end)
                     : SUM_REGISTERS, "lr", VECTOR_REGISTERS, "cc", "memory");
    return weights;
}

static __attribute__((noinline)) const int8_t *dot_narrow_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs,
                                                                 const int32_t *bias, int32_t *sums,
                                                                 const int32_t *sums_end)
{
    const int8_t *x;
    __asm__ volatile("1:\n"
                     "ldmia %[bias]!, " SUMS "\n" JOIN "mov %[x], %[first]\n"
                     "dls lr, %[groups]\n" ADD_OTHERS SEPARATE "stmia %[sums]!, " SUMS "\n"
                     "cmp %[sums], %[end]\n"
                     "bne 1b\n"
                     : [w] "+r"(weights), [x] "=&r"(x), [bias] "+r"(bias), [sums] "+r"(sums)
                     : [groups] "r"(inputs->groups), [first] "r"(inputs->values), [end] "r"(sums_end)
                     : SUM_REGISTERS, "lr", "q0", "q1", "cc", "memory");
    return weights;
}

/* sums != sums_end. */
static const int8_t *dot_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    return inputs->groups < RESIDENT ? dot_narrow_blocks(weights, inputs, bias, sums, sums_end)
                                     : dot_wide_blocks(weights, inputs, bias, sums, sums_end);
}

#else

/* Adds the four products of one column. */
static void add_column(int32_t byte, int32_t x, int32_t *sums)
{
    for (int32_t row = 0; row < BLOCK; ++row) {
        const int32_t quotient = (byte + 2) >> 2;
        sums[row] += (byte - 4 * quotient) * x;
        byte = quotient;
    }
}

static const int8_t *dot_blocks(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias,
                                int32_t *sums, const int32_t *sums_end)
{
    const int32_t columns = inputs->groups * GROUP;
    for (; sums != sums_end; sums += BLOCK, bias += BLOCK, weights += columns) {
        memcpy(sums, bias, BLOCK * sizeof *sums);
        for (int32_t column = 0; column < columns; ++column) {
            add_column(weights[column], inputs->values[column], sums);
        }
    }
    return weights;
}

#endif

static const int8_t *dot_tile(const int8_t *weights, const tz_tile_inputs_t *inputs, const int32_t *bias, int32_t rows,
                              int32_t *sums)
{
    const int32_t whole = rows / BLOCK * BLOCK;
    if (whole > 0) {
        weights = dot_blocks(weights, inputs, bias, sums, sums + whole);
    }
    if (whole < rows) {
        int32_t last_bias[BLOCK] = {0};
        memcpy(last_bias, bias + whole, (size_t)(rows - whole) * sizeof *bias);
        weights = dot_blocks(weights, inputs, last_bias, sums + whole, sums + whole + BLOCK);
    }
    return weights;
}

void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
