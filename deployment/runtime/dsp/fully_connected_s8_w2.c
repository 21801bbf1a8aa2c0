/* Cortex-M cores with the DSP extension (M4, M7, M33), weights in [-1, 1]: 0.62 instructions per MAC in the inner loop.
 *
 * The lane of column k holds 2^14 * h[k] + l'[k], l' = l + 1: two bits in each end of 16. Bits 4 to 7 and 8 to 11 and
 * 12 to 15 from there, around the word, are those of three more words of lanes, so that AND with a rotation unpacks
 * four weights, and SMLAD multiplies them:
 *
 *   both += lanes . x                    AND, SMLAD: sums 2^14 * h[k] * x[k] + l'[k] * x[k]
 *
 * Exact: over 32 columns the sum of l' x lies in [32 * 2 * -128, 32 * 2 * 127], which is within 14 bits with a sign. So
 * every 32 columns the lowest 14 bits of both, with their sign, are moved to low: SBFX, ADD, SUB. What stays in both is
 * a multiple of 2^14, at most 2^14 * 512 * 128 = 2^30. In the end low = l' . x, less the sum of x, and 256 * (h . x) is
 * both / 2^6.
 *
 * Weights: as in pair_sums.inc, eight lanes of two bits twice in a word: the lanes of columns 0 2, of 1 3 turned left
 * by 4 bits, of 4 6 by 8 and of 5 7 by 12. */
enum { NEEDS_PRODUCTS = 0, NEEDS_SUMS = 1 };

#include "row_pairs.inc"

enum { WIDE = 4 }; /* groups after which the sums are separated */

#define MASK 0xC003C003u

#if HAND_WRITTEN

#define ADD_PAIR(word, both)                                                                                           \
    "and r12, r9, " word "\n"                                                                                          \
    "smlad " both ", r12, r4, " both "\n"                                                                              \
    "and r12, r9, " word ", ror #4\n"                                                                                  \
    "smlad " both ", r12, r5, " both "\n"                                                                              \
    "and r12, r9, " word ", ror #8\n"                                                                                  \
    "smlad " both ", r12, r6, " both "\n"                                                                              \
    "and r12, r9, " word ", ror #12\n"                                                                                 \
    "smlad " both ", r12, r8, " both "\n"
#define SEPARATE(low, both)                                                                                            \
    "sbfx r12, " both ", #0, #14\n"                                                                                    \
    "add " low ", " low ", r12\n"                                                                                      \
    "sub " both ", " both ", r12\n"
#define GROUP_OF_TWO LOAD_INPUTS "ldr r10, [%[w]], #4\n" ADD_PAIR("r10", "r1")
#define GROUP_OF_FOUR LOAD_INPUTS "ldmia %[w]!, {r10, r11}\n" ADD_PAIR("r10", "r1") ADD_PAIR("r11", "r3")
#define SEPARATE_FOUR SEPARATE("r0", "r1") SEPARATE("r2", "r3")
#define FOUR(groups) groups groups groups groups
#define UNPACKING_TEMPORARIES "r4", "r5", "r6", "r8", "r10", "r11", "r12", "memory"

static __attribute__((noinline)) const int32_t *dot_fours(const int32_t *weights, const int32_t *inputs, int32_t groups,
                                                          int32_t *sums, const int32_t *sums_end)
{
    register int32_t low0 __asm__("r0"), both0 __asm__("r1"), low1 __asm__("r2"), both1 __asm__("r3");
    register uint32_t mask __asm__("r9") = MASK;
    const int32_t input_sum = inputs[1];
    inputs += SUM_WORDS;
    const int32_t *const wide_end = inputs + (groups & -WIDE) * GROUP_WORDS;
    const int32_t *const end = inputs + groups * GROUP_WORDS;
    while (sums != sums_end) {
        const int32_t *x = inputs;
        low0 = low1 = -input_sum;
        both0 = both1 = 0;
        while (x != wide_end) {
            __asm__ volatile(FOUR(GROUP_OF_FOUR) SEPARATE_FOUR
                             : [x] "+r"(x), [w] "+r"(weights), "+r"(low0), "+r"(both0), "+r"(low1), "+r"(both1)
                             : "r"(mask)
                             : UNPACKING_TEMPORARIES);
        }
        while (x != end) {
            __asm__ volatile(GROUP_OF_FOUR
                             : [x] "+r"(x), [w] "+r"(weights), "+r"(low0), "+r"(both0), "+r"(low1), "+r"(both1)
                             : "r"(mask)
                             : UNPACKING_TEMPORARIES);
        }
        __asm__ volatile(SEPARATE_FOUR "asr r1, r1, #6\n"
                                       "asr r3, r3, #6\n"
                                       "stmia %[sums]!, {r0, r1, r2, r3}\n"
                         : [sums] "+r"(sums), "+r"(low0), "+r"(both0), "+r"(low1), "+r"(both1)
                         :
                         : "r12", "memory");
    }
    return weights;
}

static const int32_t *dot_two(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums)
{
    register int32_t low __asm__("r0") = -inputs[1], both __asm__("r1") = 0;
    register uint32_t mask __asm__("r9") = MASK;
    inputs += SUM_WORDS;
    while (groups > 0) {
        for (const int32_t *const end = inputs + smaller(groups, WIDE) * GROUP_WORDS; inputs != end; --groups) {
            __asm__ volatile(GROUP_OF_TWO
                             : [x] "+r"(inputs), [w] "+r"(weights), "+r"(low), "+r"(both)
                             : "r"(mask)
                             : UNPACKING_TEMPORARIES);
        }
        __asm__ volatile(SEPARATE("r0", "r1") : "+r"(low), "+r"(both) : : "r12");
    }
    sums[0] = low;
    sums[1] = both >> 6;
    return weights;
}

#else

static inline int32_t turned_right(uint32_t word, int32_t bits)
{
    return (int32_t)((word >> bits | word << (32 - bits) % 32) & MASK);
}

/* A pair of rows. `stride`: words from one group of the pair to its next. */
static void dot_pair(const int32_t *weights, int32_t stride, const int32_t *inputs, int32_t groups, int32_t *sums)
{
    int32_t low = -inputs[1], both = 0;
    inputs += SUM_WORDS;
    for (int32_t group = 0; group < groups; ++group, weights += stride) {
        for (int32_t i = 0; i < GROUP_WORDS; ++i) {
            both = __smlad(turned_right((uint32_t)*weights, 4 * i), *inputs++, both);
        }
        if (group % WIDE == WIDE - 1 || group == groups - 1) {
            const int32_t part = (int32_t)((uint32_t)both << 18) >> 18;
            low += part;
            both -= part;
        }
    }
    sums[0] = low;
    sums[1] = both >> 6;
}

static const int32_t *dot_fours(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums,
                                const int32_t *sums_end)
{
    for (; sums != sums_end; sums += 4, weights += 2 * groups) {
        dot_pair(weights, 2, inputs, groups, sums);
        dot_pair(weights + 1, 2, inputs, groups, sums + 2);
    }
    return weights;
}

static const int32_t *dot_two(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums)
{
    dot_pair(weights, 1, inputs, groups, sums);
    return weights + groups;
}

#endif

void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
