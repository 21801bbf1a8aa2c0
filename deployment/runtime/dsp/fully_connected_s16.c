/* Cortex-M cores with the DSP extension (M4, M7, M33): 0.88 instructions per MAC in the inner loop.
 *
 * Two rows share a word. Of an even row l and the odd row h after it, the lane of column k holds 256 * h[k] + l[k],
 * which fits 16 bits because weights are in [-127, 127]. With two columns in a word a and two inputs in a word x, three
 * instructions do four MACs:
 *
 *   both += a . x                SMLALD: 64 bits, exact
 *   low  += (low bytes of a) . x    SXTB16, SMLAD: 32 bits
 *
 * low ends as l . x, which fits 32 bits, as the contract says; then both - low = 256 * (h . x).
 *
 * Weights: int32 words. Blocks of two rows, a missing row being 0; a block is, for every 8 columns, the lanes of
 * columns 0 1, 2 3, 4 5 and 6 7, two in a word; missing columns are 0.
 * Scratch: the sums of a tile of rows (int32, an even number); then the inputs, followed by zeros up to a multiple of
 * 8, unless their memory has these already. */
#include "textzoo/fully_connected_s16.h"

#include <arm_acle.h>
#include <string.h>

#include "preload.h"
#include "textzoo/fixedpoint.h"

enum {
    GROUP = 8, /* columns: as many as four words of inputs hold */
    GROUP_WORDS = 4,
    WIDE = 4,  /* groups in one iteration of the unrolled loop */
    TILE = 32  /* rows whose sums wait for their requantization together */
};

/* The loop leaves the compiler the registers r0 to r3, r7 and lr. Unoptimized code and Clang do not let it, nor does
 * -fno-omit-frame-pointer: define TZ_NO_ASSEMBLY for that. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

#define ADD_WORD(word, x)                                                                                              \
    "smlald %[first], %[second], " word ", " x "\n"                                                                    \
    "sxtb16 " word ", " word "\n"                                                                                      \
    "smlad %[low], " word ", " x ", %[low]\n"
#define ONE_GROUP                                                                                                      \
    "ldmia %[x]!, {r4, r5, r6, r8}\n"                                                                                  \
    "ldmia %[w]!, {r9, r10, r11, r12}\n" ADD_WORD("r9", "r4") ADD_WORD("r10", "r5") ADD_WORD("r11", "r6")              \
        ADD_WORD("r12", "r8")
#define ADD_GROUPS(groups)                                                                                             \
    __asm__ volatile(groups                                                                                            \
                     : [x] "+r"(x), [w] "+r"(w), [first] "+r"(first), [second] "+r"(second), [low] "+r"(low)           \
                     :                                                                                                 \
                     : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory")

/* Returns the weights of the next pair. */
static inline const int32_t *dot_two_rows(const int32_t *w, const int32_t *x, int32_t groups, int32_t *sums)
{
    uint32_t first = 0;
    int32_t second = 0, low = 0;
    const int32_t *const end = x + groups * GROUP_WORDS;
    const int32_t *const wide_end = x + (groups & -WIDE) * GROUP_WORDS;
    while (x != wide_end) {
        ADD_GROUPS(ONE_GROUP PRELOAD ONE_GROUP ONE_GROUP PRELOAD ONE_GROUP);
    }
    while (x != end) {
        ADD_GROUPS(ONE_GROUP);
    }
    const int64_t both = (int64_t)((uint64_t)(uint32_t)second << 32 | first);
    sums[0] = low;
    sums[1] = (int32_t)((both - low) >> 8);
    return w;
}

#else

static inline const int32_t *dot_two_rows(const int32_t *w, const int32_t *x, int32_t groups, int32_t *sums)
{
    int64_t both = 0;
    int32_t low = 0;
    for (const int32_t *const end = x + groups * GROUP_WORDS; x != end; ++x, ++w) {
        both = __smlald(*w, *x, both);
        low = __smlad(__sxtb16(*w), *x, low);
    }
    sums[0] = low;
    sums[1] = (int32_t)((both - low) >> 8);
    return w;
}

#endif

static __attribute__((noinline)) const int32_t *dot_pairs(const int32_t *weights, const int32_t *inputs, int32_t groups,
                                                          int32_t *sums, const int32_t *end)
{
    for (; sums < end; sums += 2) {
        weights = dot_two_rows(weights, inputs, groups, sums);
    }
    return weights;
}

/* The inputs as words, zeros behind them up to a multiple of 8. */
static const int32_t *whole_groups(const int16_t *input, int32_t columns, int32_t groups, void *scratch)
{
    if (columns % GROUP == 0 && (uintptr_t)input % sizeof(int32_t) == 0) {
        return (const int32_t *)(const void *)input;
    }
    int16_t *copy = (int16_t *)scratch;
    memset(copy + (groups - 1) * GROUP, 0, GROUP * sizeof *copy);
    memcpy(copy, input, (size_t)columns * sizeof *copy);
    return (const int32_t *)scratch;
}

/* The sums of the rows from `row` on, without their biases, to outputs. */
static __attribute__((noinline)) void requantize(const tz_fully_connected_s16_t *layer, int32_t row, int32_t rows,
                                                 const int32_t *sums, int16_t *output)
{
    const int32_t minimum = layer->minimum, maximum = layer->maximum;
    const int32_t *bias = layer->bias + row;
    const int32_t *multiplier = layer->multipliers + row, *low = layer->low_multipliers + row;
    const int8_t *shift = layer->shifts + row;
    for (const int32_t *const end = sums + rows; sums != end; ++sums) {
        const int32_t sum = (int32_t)((uint32_t)*sums + (uint32_t)*bias++);
        const int32_t scaled = tz_scale_precise_short(sum, *multiplier++, *low++, *shift++);
        *output++ = (int16_t)tz_clamp(scaled, minimum, maximum);
    }
}

void tz_fully_connected_s16(const tz_fully_connected_s16_t *layer, const int16_t *input, int16_t *output, void *scratch)
{
    const int32_t groups = (layer->columns + GROUP - 1) / GROUP;
    const int32_t most = layer->rows < TILE ? layer->rows + layer->rows % 2 : TILE;
    int32_t *const sums = (int32_t *)scratch;
    const int32_t *const inputs = whole_groups(input, layer->columns, groups, sums + most);
    const int32_t *weights = (const int32_t *)layer->weights;
    for (int32_t row = 0; row < layer->rows; row += TILE) {
        const int32_t rows = layer->rows - row < TILE ? layer->rows - row : TILE;
        weights = dot_pairs(weights, inputs, groups, sums, sums + rows);
        requantize(layer, row, rows, sums, output + row);
    }
}
