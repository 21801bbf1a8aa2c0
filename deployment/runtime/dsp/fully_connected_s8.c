/* Cortex-M cores with the DSP extension (M4, M7, M33), weights in [-127, 127]: 0.72 instructions per MAC in the inner
 * loop.
 *
 * Of an even row l and the odd row h after it, the lane of column k holds 256 * h[k] + l[k], which fits 16 bits. With
 * four columns in two words, a = lanes 0 and 2 and b = lanes 1 and 3, and the inputs likewise, p = (x[0], x[2]) and
 * q = (x[1], x[3]), five instructions do eight MACs:
 *
 *   both += a . p, both += b . q                    2 x SMLAD: sums 256 * h[k] * x[k] + l[k] * x[k]
 *   low += (q + low bytes of a) . (p + low bytes of b)    2 x SXTAB16, SMLAD
 *
 * The last line is Winograd's inner product: (x1 + l0)(x0 + l1) = l0 x0 + l1 x1 + x0 x1 + l0 l1. Of the last two, the
 * sum of x0 x1 is computed once per call, and minus the sum of l0 l1 is stored with the packed weights.
 *
 * Exact: all of it is arithmetic modulo 2^32, so sums may wrap. From low = -(both sums of products) and both = 0 the
 * loop ends with low = l . x and both - low = 256 * (h . x) modulo 2^32. Nothing is lost as long as |h . x| < 2^23,
 * which holds for up to 516 columns of 127 * 128. So columns are taken in chunks of at most 512.
 *
 * Weights: as in row_pairs.inc; a block begins with minus the sum of l0 l1 for each pair of rows, and has two lanes in
 * a word. */
enum { NEEDS_PRODUCTS = 1, NEEDS_SUMS = 0 };

#include "row_pairs.inc"

enum {
    WIDE = 8,                  /* groups in one iteration of the unrolled loop */
    WEIGHT_WORDS = GROUP_WORDS /* of a pair of rows in a group */
};

#if HAND_WRITTEN

#define ADD_PAIR(low, both)                                                                                            \
    "ldmia %[w]!, {r9, r10, r11, r12}\n"                                                                               \
    "smlad " both ", r9, r4, " both "\n"                                                                               \
    "smlad " both ", r10, r5, " both "\n"                                                                              \
    "sxtab16 r9, r5, r9\n"                                                                                             \
    "smlad " both ", r11, r6, " both "\n"                                                                              \
    "sxtab16 r10, r4, r10\n"                                                                                           \
    "smlad " both ", r12, r8, " both "\n"                                                                              \
    "sxtab16 r11, r8, r11\n"                                                                                           \
    "smlad " low ", r9, r10, " low "\n"                                                                                \
    "sxtab16 r12, r6, r12\n"                                                                                           \
    "smlad " low ", r11, r12, " low "\n"
/* On cores with a data cache, which projects tell: the weights of four rows in a group are a line of 32 bytes, and the
 * one after the next is fetched meanwhile. No other distance is better at 25 cycles a line (the cycle model of a
 * Cortex-M7). Beyond the last weight nothing is read. */
#if defined(TEXTZOO_PREFETCH)
#define PREFETCH "pld [%[w], #64]\n"
#else
#define PREFETCH
#endif
#define GROUP_OF_TWO LOAD_INPUTS ADD_PAIR("r0", "r1")
#define GROUP_OF_FOUR PREFETCH LOAD_INPUTS ADD_PAIR("r0", "r1") ADD_PAIR("r2", "r3")
#define EIGHT(groups) groups groups groups groups groups groups groups groups

/* What a block needs once: the loops take every register. Both of a line are loaded at once. */
typedef struct {
    int32_t input_sum;
    const int32_t *inputs;
    const int32_t *wide_end, *end; /* of the inputs */
    int32_t *sums;
    const int32_t *sums_end;
} tz_blocks_t;

/* Blocks of four rows. Of each pair of rows comes l . x and 256 * (h . x). */
static __attribute__((noinline)) const int32_t *dot_fours(const int32_t *weights, const int32_t *inputs, int32_t groups,
                                                          int32_t *sums, const int32_t *sums_end)
{
    register const int32_t *next __asm__("r7") = weights, *x __asm__("lr");
    const int32_t *const first = inputs + SUM_WORDS;
    tz_blocks_t blocks = {inputs[0], first, first + (groups & -WIDE) * GROUP_WORDS, first + groups * GROUP_WORDS,
                          sums, sums_end};
    if (sums == sums_end) {
        return weights;
    }
    __asm__ volatile("1:\n"
                     "ldrd r4, %[x], %[input_sum]\n"
                     "ldrd r0, r2, [%[w]], #8\n"
                     "mov r1, #0\n"
                     "mov r3, #0\n"
                     "sub r0, r0, r4\n"
                     "sub r2, r2, r4\n"
                     "ldrd r4, r5, %[wide_end]\n"
                     "cmp %[x], r4\n"
                     "beq 3f\n"
                     "2:\n" EIGHT(GROUP_OF_FOUR)
                     "ldrd r4, r5, %[wide_end]\n"
                     "cmp %[x], r4\n"
                     "bne 2b\n"
                     "3:\n"
                     "cmp %[x], r5\n"
                     "beq 5f\n"
                     "4:\n" GROUP_OF_FOUR
                     "ldr r4, %[end]\n"
                     "cmp %[x], r4\n"
                     "bne 4b\n"
                     "5:\n"
                     "ldrd r4, r5, %[sums]\n"
                     "sub r1, r1, r0\n"
                     "sub r3, r3, r2\n"
                     "stmia r4!, {r0, r1, r2, r3}\n"
                     "cmp r4, r5\n"
                     "str r4, %[sums]\n"
                     "bne 1b\n"
                     : [w] "+r"(next), [x] "=&r"(x), [sums] "+m"(blocks.sums)
                     : [input_sum] "m"(blocks.input_sum), "m"(blocks.inputs), [wide_end] "m"(blocks.wide_end),
                       [end] "m"(blocks.end), "m"(blocks.sums_end)
                     : "r0", "r1", "r2", "r3", "cc", TEMPORARIES);
    return next;
}

/* A block of two rows. */
static const int32_t *dot_two(const int32_t *weights, const int32_t *inputs, int32_t groups, int32_t *sums)
{
    register int32_t low __asm__("r0") = *weights++ - inputs[0], both __asm__("r1") = 0;
    inputs += SUM_WORDS;
    for (const int32_t *const end = inputs + groups * GROUP_WORDS; inputs != end;) {
        __asm__ volatile(GROUP_OF_TWO
                         : [x] "+r"(inputs), [w] "+r"(weights), "+r"(low), "+r"(both)
                         :
                         : TEMPORARIES);
    }
    sums[0] = low;
    sums[1] = (int32_t)((uint32_t)both - (uint32_t)low);
    return weights;
}

#else

/* A pair of rows: l . x and 256 * (h . x). `stride`: words from one group of the pair to its next;
 * `first`: the word of the pair that its block begins with. */
static void dot_pair(const int32_t *weights, int32_t stride, const int32_t *inputs, int32_t groups, int32_t first,
                     int32_t *sums)
{
    int32_t low = first - inputs[0], both = 0;
    inputs += SUM_WORDS;
    for (; groups > 0; --groups, weights += stride, inputs += GROUP_WORDS) {
        for (int32_t i = 0; i < GROUP_WORDS; i += 2) {
            const int32_t a = weights[i], b = weights[i + 1], p = inputs[i], q = inputs[i + 1];
            both = __smlad(b, q, __smlad(a, p, both));
            low = __smlad(__sxtab16(q, a), __sxtab16(p, b), low);
        }
    }
    sums[0] = low;
    sums[1] = (int32_t)((uint32_t)both - (uint32_t)low);
}

#include "blocks_of_pairs.inc"

#endif

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
