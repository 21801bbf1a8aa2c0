/* Cortex-M cores with the DSP extension: 1.5 instructions per MAC in the inner loop.
 *
 * SMLABB, SMLATB, SMLABT and SMLATT multiply either half of a word of two columns with either half of a word of two
 * rows' weights: nothing has to be unpacked. Sums wrap like the generic kernel's: the same integers. */
#include "textzoo/weighted_sum_s16.h"

#include <arm_acle.h>
#include <string.h>

enum { GROUP = 8 /* columns */ };

static inline int32_t load_word(const int16_t *pair)
{
    int32_t word;
    memcpy(&word, pair, sizeof word);
    return word;
}

#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

/* One row, whose weight lies in one half of r9: b or t. */
#define ADD_ROW(half)                                                                                                  \
    "ldrd r10, r11, [%[row]]\n"                                                                                        \
    "smlab" half " r0, r10, r9, r0\n"                                                                                  \
    "smlat" half " r1, r10, r9, r1\n"                                                                                  \
    "smlab" half " r2, r11, r9, r2\n"                                                                                  \
    "smlat" half " r3, r11, r9, r3\n"                                                                                  \
    "ldrd r10, r11, [%[row], #8]\n"                                                                                    \
    "smlab" half " r4, r10, r9, r4\n"                                                                                  \
    "smlat" half " r5, r10, r9, r5\n"                                                                                  \
    "smlab" half " r6, r11, r9, r6\n"                                                                                  \
    "smlat" half " r8, r11, r9, r8\n"                                                                                  \
    "add %[row], %[row], %[stride]\n"

/* Eight columns of an even number of rows, at least two; everything at multiples of 4 bytes. */
static __attribute__((noinline)) void add_group(const int16_t *row, int32_t stride, const int16_t *weights,
                                                const int16_t *end, int32_t *sums)
{
    __asm__ volatile("ldr r9, %[sums]\n"
                     "ldmia r9, {r0, r1, r2, r3, r4, r5, r6, r8}\n"
                     "1:\n"
                     "ldr r9, [%[weights]], #4\n" ADD_ROW("b") ADD_ROW("t")
                     "ldr r9, %[end]\n"
                     "cmp %[weights], r9\n"
                     "bne 1b\n"
                     "ldr r9, %[sums]\n"
                     "stmia r9, {r0, r1, r2, r3, r4, r5, r6, r8}\n"
                     : [row] "+r"(row), [weights] "+r"(weights)
                     : [stride] "r"(2 * stride), [end] "m"(end), [sums] "m"(sums)
                     : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "cc", "memory");
}

#else

static void add_group(const int16_t *row, int32_t stride, const int16_t *weights, const int16_t *end, int32_t *sums)
{
    for (; weights != end; weights += 2, row += 2 * stride) {
        const int32_t pair = load_word(weights);
        for (int32_t column = 0; column < GROUP; column += 2) {
            const int32_t first = load_word(row + column), second = load_word(row + stride + column);
            sums[column] = __smlabt(second, pair, __smlabb(first, pair, sums[column]));
            sums[column + 1] = __smlatt(second, pair, __smlatb(first, pair, sums[column + 1]));
        }
    }
}

#endif

/* Columns from any address. */
static void add_row(const int16_t *row, int32_t columns, int32_t weight, int32_t *sums)
{
    for (int32_t column = 0; column < columns; ++column) {
        sums[column] += weight * row[column];
    }
}

void tz_weighted_sum_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    const int aligned = (((uintptr_t)rows | (uintptr_t)weights | (uintptr_t)(2 * length)) & 3) == 0;
    const int32_t whole = aligned && count > 1 ? length & -GROUP : 0;
    const int32_t pairs = whole ? count & -2 : 0;
    memset(sums, 0, (size_t)length * sizeof *sums);
    for (int32_t column = 0; column < whole; column += GROUP) {
        add_group(rows + column, length, weights, weights + pairs, sums + column);
    }
    for (int32_t row = whole < length ? 0 : pairs; row < count; ++row) {
        const int32_t done = row < pairs ? whole : 0;
        add_row(rows + row * length + done, length - done, weights[row], sums + done);
    }
}
