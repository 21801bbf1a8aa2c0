/* Cortex-M cores with the DSP extension (M4, M7, M33), weights in [-8, 7]: 0.97 instructions per MAC in the inner loop.
 *
 * With u = w + 8 the lane of column k holds 256 * h'[k] + l'[k], h' and l' those of two rows: four bits in each byte.
 * The other four bits are the next word of lanes, so that AND and AND with a shift unpack eight weights. Then the five
 * instructions of fully_connected_s8.c do eight MACs.
 *
 * Exact: all of it is arithmetic modulo 2^32, so sums may wrap. Let S be the sum of x. l . x = l' . x - 8 S, and so for
 * h. From low = -(sum of x0 x1) - (sum of l'0 l'1) - 8 S the loop ends with low = l . x. From both = -2056 S it ends
 * with both = 256 * (h' . x) + l' . x - 2056 S, so both - low = 256 * (h' . x) - 2048 S = 256 * (h . x). Nothing is
 * lost, as |h . x| <= 512 * 8 * 128 < 2^23.
 *
 * Weights: as in pair_sums.inc; a block begins with minus the sum of l'0 l'1 for each pair of rows, and has four lanes
 * in a word: those of columns 0 2 (4 6) in its even half-bytes, of columns 1 3 (5 7) in the odd ones. */
enum { NEEDS_PRODUCTS = 1, NEEDS_SUMS = 1 };

#include "row_pairs.inc"

enum {
    WIDE = 8,        /* groups in one iteration of the unrolled loop */
    WEIGHT_WORDS = 2 /* of a pair of rows in a group */
};

#define MASK 0x0F0F0F0Fu

/* Start values of both sums, without the sum of l'0 l'1. */
static inline int32_t first_low(const int32_t *input_sums)
{
    return -input_sums[0] - 8 * input_sums[1];
}

static inline int32_t first_both(const int32_t *input_sums)
{
    return -2056 * input_sums[1];
}

#if HAND_WRITTEN

#define ADD_TWO_WORDS(word, p, q, low, both)                                                                           \
    "and r12, r9, " word "\n"                                                                                          \
    "and " word ", r9, " word ", lsr #4\n"                                                                             \
    "smlad " both ", r12, " p ", " both "\n"                                                                           \
    "smlad " both ", " word ", " q ", " both "\n"                                                                      \
    "sxtab16 r12, " q ", r12\n"                                                                                        \
    "sxtab16 " word ", " p ", " word "\n"                                                                              \
    "smlad " low ", r12, " word ", " low "\n"
#define ADD_PAIR(low, both)                                                                                            \
    "ldmia %[w]!, {r10, r11}\n" ADD_TWO_WORDS("r10", "r4", "r5", low, both) ADD_TWO_WORDS("r11", "r6", "r8", low, both)
#define GROUP_OF_TWO LOAD_INPUTS ADD_PAIR("r0", "r1")
#define GROUP_OF_FOUR LOAD_INPUTS ADD_PAIR("r0", "r1") ADD_PAIR("r2", "r3")
#define EIGHT(groups) groups groups groups groups groups groups groups groups
#define UNPACKING_TEMPORARIES "r4", "r5", "r6", "r8", "r10", "r11", "r12", "memory"

static __attribute__((noinline)) const int32_t *dot_fours(const int32_t *weights, const int32_t *inputs, int32_t groups,
                                                          int32_t *sums, const int32_t *sums_end)
{
    register int32_t low0 __asm__("r0"), both0 __asm__("r1"), low1 __asm__("r2"), both1 __asm__("r3");
    register uint32_t mask __asm__("r9") = MASK;
    const int32_t low = first_low(inputs), both = first_both(inputs);
    inputs += SUM_WORDS;
    const int32_t *const wide_end = inputs + (groups & -WIDE) * GROUP_WORDS;
    const int32_t *const end = inputs + groups * GROUP_WORDS;
    while (sums != sums_end) {
        const int32_t *x = inputs;
        __asm__ volatile("ldrd r0, r2, [%[w]], #8\n"
                         "add r0, r0, %[low]\n"
                         "add r2, r2, %[low]\n"
                         "mov r1, %[both]\n"
                         "mov r3, %[both]\n"
                         : [w] "+r"(weights), "=&r"(low0), "=&r"(both0), "=&r"(low1), "=&r"(both1)
                         : [low] "r"(low), [both] "r"(both)
                         : "memory");
        while (x != wide_end) {
            __asm__ volatile(EIGHT(GROUP_OF_FOUR)
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
        __asm__ volatile("sub r1, r1, r0\n"
                         "sub r3, r3, r2\n"
                         "stmia %[sums]!, {r0, r1, r2, r3}\n"
                         : [sums] "+r"(sums), "+r"(low0), "+r"(both0), "+r"(low1), "+r"(both1)
                         :
                         : "memory");
    }
    return weights;
}

static const int32_t *dot_two(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums)
{
    register int32_t low __asm__("r0") = *weights++ + first_low(inputs), both __asm__("r1") = first_both(inputs);
    register uint32_t mask __asm__("r9") = MASK;
    inputs += SUM_WORDS;
    for (const int32_t *const end = inputs + groups * GROUP_WORDS; inputs != end;) {
        __asm__ volatile(GROUP_OF_TWO
                         : [x] "+r"(inputs), [w] "+r"(weights), "+r"(low), "+r"(both)
                         : "r"(mask)
                         : UNPACKING_TEMPORARIES);
    }
    sums[0] = low;
    sums[1] = (int32_t)((uint32_t)both - (uint32_t)low);
    return weights;
}

#else

/* A pair of rows. `stride`: words from one group of the pair to its next; `first`: the word of the pair that
 * its block begins with. */
static void dot_pair(const int32_t *weights, int32_t stride, const int32_t *inputs, int32_t groups, int32_t first,
                     int32_t *sums)
{
    int32_t low = first + first_low(inputs), both = first_both(inputs);
    inputs += SUM_WORDS;
    for (; groups > 0; --groups, weights += stride, inputs += GROUP_WORDS) {
        for (int32_t i = 0; i < GROUP_WORDS; i += 2) {
            const uint32_t word = (uint32_t)weights[i / 2];
            const int32_t a = (int32_t)(word & MASK), b = (int32_t)(word >> 4 & MASK), p = inputs[i], q = inputs[i + 1];
            both = __smlad(b, q, __smlad(a, p, both));
            low = __smlad(__sxtab16(q, a), __sxtab16(p, b), low);
        }
    }
    sums[0] = low;
    sums[1] = (int32_t)((uint32_t)both - (uint32_t)low);
}

#include "blocks_of_pairs.inc"

#endif

void tz_fully_connected_s8_w4(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
