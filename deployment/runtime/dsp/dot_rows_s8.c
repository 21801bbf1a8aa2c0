/* Cortex-M cores with the DSP extension: 1.19 instructions per MAC in the inner loop.
 *
 * SXTB16 turns bytes 0 and 2 of a word, and rotated bytes 1 and 3, into pairs of int16, which SMLAD multiplies with
 * pairs of the vector. Those are brought into the same order once, a chunk of the vector at a time, and then used for
 * all rows. Sums wrap like the generic kernel's: the same integers. */
#include "textzoo/dot_rows_s8.h"

#include <arm_acle.h>
#include <string.h>

#include "../internal/dot_remaining.h"

enum {
    CHUNK = 64,      /* columns */
    GROUP = 8,       /* columns */
    GROUP_WORDS = 4, /* of pairs */
    WIDE = 4,        /* groups in one iteration of the unrolled loop */
};

static inline uint32_t load_word(const void *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Bytes 1 and 3 as a pair of int16. GCC knows the instruction, but not that it can rotate. */
static inline int32_t odd_bytes(uint32_t bytes)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

static inline int32_t lower_halves(uint32_t first, uint32_t second)
{
    int32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(first), "r"(second));
    return pair;
}

static inline int32_t upper_halves(uint32_t first, uint32_t second)
{
    int32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(second), "r"(first));
    return pair;
}

/* (0 1) (2 3) becomes (0 2) (1 3); the columns are a multiple of eight. */
static void order_pairs(const int16_t *vector, int32_t columns, int32_t *pairs)
{
#pragma GCC unroll 2
    for (int32_t column = 0; column < columns; column += 4, pairs += 2) {
        const uint32_t first = load_word(vector + column), second = load_word(vector + column + 2);
        pairs[0] = lower_halves(first, second);
        pairs[1] = upper_halves(first, second);
    }
}

/* One row from any address. */
static int32_t dot_row(const int8_t *row, const int32_t *pairs, int32_t columns, int32_t sum)
{
#pragma GCC unroll 2
    for (const int8_t *const end = row + columns; row != end; row += 4, pairs += 2) {
        const uint32_t bytes = load_word(row);
        sum = __smlad(odd_bytes(bytes), pairs[1], __smlad(__sxtb16((int32_t)bytes), pairs[0], sum));
    }
    return sum;
}

#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

#define ADD_EIGHT(row, sum)                                                                                            \
    "ldmia " row "!, {r9, r10}\n"                                                                                      \
    "sxtb16 r11, r9, ror #8\n"                                                                                         \
    "sxtb16 r9, r9\n"                                                                                                  \
    "smlad " sum ", r11, r5, " sum "\n"                                                                                \
    "sxtb16 r11, r10, ror #8\n"                                                                                        \
    "smlad " sum ", r9, r4, " sum "\n"                                                                                 \
    "sxtb16 r10, r10\n"                                                                                                \
    "smlad " sum ", r11, r8, " sum "\n"                                                                                \
    "smlad " sum ", r10, r6, " sum "\n"
#define ONE_GROUP "ldmia r12!, {r4, r5, r6, r8}\n" ADD_EIGHT("%[row0]", "r0") ADD_EIGHT("%[row1]", "r1")

/* What two rows need once: the loops take every register. The ends are loaded both at once. */
typedef struct {
    const int32_t *pairs;
    const int32_t *wide_end, *end; /* of the pairs */
    const int32_t *sums_end;
    int32_t behind;                /* from the end of a row to the next one */
} tz_rows_t;

/* An even number of rows, at least two, at a multiple of 4 bytes; they are `length` bytes apart. */
static __attribute__((noinline)) void dot_even_rows(const int8_t *rows, int32_t count, int32_t length,
                                                    const int32_t *pairs, int32_t columns, int32_t *sums)
{
    register const int8_t *row0 __asm__("r2") = rows, *row1 __asm__("r3");
    register int32_t *next __asm__("lr") = sums;
    register int32_t step __asm__("r7") = length;
    const tz_rows_t all = {pairs, pairs + columns / (GROUP * WIDE) * (GROUP_WORDS * WIDE), pairs + columns / 2,
                           sums + count, length - columns};
    __asm__ volatile("1:\n"
                     "ldr r12, %[pairs]\n"
                     "ldrd r0, r1, [%[sums]]\n"
                     "add %[row1], %[row0], %[step]\n"
                     "ldrd r4, r5, %[wide_end]\n"
                     "cmp r12, r4\n"
                     "beq 3f\n"
                     "2:\n" ONE_GROUP ONE_GROUP ONE_GROUP ONE_GROUP
                     "ldrd r4, r5, %[wide_end]\n"
                     "cmp r12, r4\n"
                     "bne 2b\n"
                     "3:\n"
                     "cmp r12, r5\n"
                     "beq 5f\n"
                     "4:\n" ONE_GROUP
                     "ldr r5, %[end]\n"
                     "cmp r12, r5\n"
                     "bne 4b\n"
                     "5:\n"
                     "ldrd r4, r5, %[sums_end]\n"
                     "stmia %[sums]!, {r0, r1}\n"
                     "add %[row0], %[row1], r5\n"
                     "cmp %[sums], r4\n"
                     "bne 1b\n"
                     : [row0] "+r"(row0), [row1] "=&r"(row1), [sums] "+r"(next)
                     : [step] "r"(step), [pairs] "m"(all.pairs), [wide_end] "m"(all.wide_end), [end] "m"(all.end),
                       [sums_end] "m"(all.sums_end), "m"(all.behind)
                     : "r0", "r1", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

#else

static void dot_even_rows(const int8_t *row, int32_t count, int32_t length, const int32_t *pairs, int32_t columns,
                          int32_t *sums)
{
    for (; count > 0; --count, row += length, ++sums) {
        *sums = dot_row(row, pairs, columns, *sums);
    }
}

#endif

/* Some of the columns, a multiple of eight, added to the sums. */
static void dot_chunk(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t columns,
                      int32_t *sums)
{
    int32_t pairs[CHUNK / 2]; /* (columns / 2) of the vector, in the order of bytes */
    order_pairs(vector, columns, pairs);
    if ((((uintptr_t)rows | (uintptr_t)length) & 3) == 0 && count > 1) {
        const int32_t even = count & -2;
        dot_even_rows(rows, even, length, pairs, columns, sums);
        count -= even, rows += even * length, sums += even;
    }
    for (; count > 0; --count, rows += length, ++sums) {
        *sums = dot_row(rows, pairs, columns, *sums);
    }
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    int32_t column = 0;
    for (int32_t row = 0; row < count; ++row) {
        sums[row] = 0;
    }
    for (int32_t columns; (columns = (length - column) & -GROUP) > 0; column += columns) {
        columns = columns < CHUNK ? columns : CHUNK;
        dot_chunk(rows + column, count, length, vector + column, columns, sums);
    }
    if (column < length) {
        tz_dot_remaining_s8(rows + column, count, length, vector + column, length - column, 1, sums);
    }
}
