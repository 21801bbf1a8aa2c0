/* Cortex-M cores with the DSP extension: four rows at a time, 1.6 instructions per MAC.
 *
 * Bytes 0 and 2 of a word become a pair of int16 in one instruction (SXTB16), bytes 1 and 3 in another (with a rotation);
 * SMLAD multiplies and adds a pair with the pair of the vector's elements 0 and 2, or 1 and 3, put together once for all
 * four rows. Exact as long as the sums fit int32, which the contract says. */
#include "textzoo/dot_rows_s8.h"

#include <arm_acle.h>
#include <string.h>

/* See fully_connected_s8.c. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)
#define HAND_WRITTEN 1
#else
#define HAND_WRITTEN 0
#endif

enum { ROWS = 4, GROUP = 4 };

/* What the groups of four leave over, of one row. */
static int32_t add_rest(const int8_t *row, const int16_t *vector, int32_t start, int32_t length, int32_t sum)
{
    for (int32_t i = start; i < length; ++i) {
        sum += row[i] * vector[i];
    }
    return sum;
}

#if HAND_WRITTEN

/* One row: the word's even bytes times the even elements, its odd bytes times the odd ones. */
#define ADD_ROW(sum)                                                                                                   \
    "sxtb16 %[t], %[w]\n"                                                                                              \
    "smlad " sum ", %[t], %[even], " sum "\n"                                                                          \
    "sxtb16 %[w], %[w], ror #8\n"                                                                                      \
    "smlad " sum ", %[w], %[odd], " sum "\n"

/* Whole groups of four rows; length >= 4. All thirteen registers have their place: GCC would load ahead and spill. */
static void add_groups(const int8_t *rows, int32_t length, const int16_t *vector, int32_t *sums)
{
    const int8_t *upper = rows, *lower = rows + 2 * length, *const end = rows + (length & ~(GROUP - 1));
    int32_t a = 0, b = 0, c = 0, d = 0, even, odd, w, t;
    __asm__("1:\n"
            "ldrd %[t], %[w], [%[vector]], #8\n"
            "pkhbt %[even], %[t], %[w], lsl #16\n"
            "pkhtb %[odd], %[w], %[t], asr #16\n"
            "ldr %[w], [%[upper], %[length]]\n" ADD_ROW("%[b]") "ldr %[w], [%[upper]], #4\n" ADD_ROW("%[a]")
            "ldr %[w], [%[lower], %[length]]\n" ADD_ROW("%[d]") "ldr %[w], [%[lower]], #4\n" ADD_ROW("%[c]")
            "cmp %[upper], %[end]\n"
            "bne 1b\n"
            : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [upper] "+r"(upper), [lower] "+r"(lower),
              [vector] "+r"(vector), [even] "=&r"(even), [odd] "=&r"(odd), [w] "=&r"(w), [t] "=&r"(t)
            : [length] "r"(length), [end] "r"(end)
            : "cc", "memory");
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

#else

static inline int32_t load_word(const void *bytes)
{
    int32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Bytes 1 and 3 as a pair of int16: GCC finds no way to rotate in the same instruction. */
static inline int32_t odd_bytes(int32_t bytes)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

static inline int32_t low_halves(int32_t low, int32_t high)
{
    return (int32_t)(((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16);
}

static inline int32_t high_halves(int32_t low, int32_t high)
{
    return (int32_t)(((uint32_t)high & 0xFFFF0000u) | (uint32_t)low >> 16);
}

static inline int32_t add_group(const int8_t *row, int32_t even, int32_t odd, int32_t sum)
{
    const int32_t word = load_word(row);
    return __smlad(odd_bytes(word), odd, __smlad(__sxtb16(word), even, sum));
}

static void add_groups(const int8_t *rows, int32_t length, const int16_t *vector, int32_t *sums)
{
    for (int32_t row = 0; row < ROWS; ++row, rows += length) {
        sums[row] = 0;
        for (int32_t i = 0; i + GROUP <= length; i += GROUP) {
            const int32_t even = low_halves(load_word(vector + i), load_word(vector + i + 2));
            const int32_t odd = high_halves(load_word(vector + i), load_word(vector + i + 2));
            sums[row] = add_group(rows + i, even, odd, sums[row]);
        }
    }
}

#endif

static void four_rows(const int8_t *rows, int32_t length, const int16_t *vector, int32_t *sums)
{
    const int32_t whole = length & ~(GROUP - 1);
    if (whole > 0) {
        add_groups(rows, length, vector, sums);
    } else {
        memset(sums, 0, ROWS * sizeof *sums);
    }
    for (int32_t row = 0; row < ROWS; ++row, rows += length) {
        sums[row] = add_rest(rows, vector, whole, length, sums[row]);
    }
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    int32_t row = 0;
    for (; row + ROWS <= count; row += ROWS) {
        four_rows(rows + row * length, length, vector, sums + row);
    }
    for (; row < count; ++row) {
        sums[row] = add_rest(rows + row * length, vector, 0, length, 0);
    }
}
