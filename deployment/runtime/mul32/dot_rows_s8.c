/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors: two MACs in a multiplication.
 *
 * A word of four keys, each + 128 (an XOR does it), is W = u0 + 2^8 u1 + 2^16 u2 + 2^24 u3. With E = u0 + 2^16 u2 and
 * O = u1 + 2^16 u3, which a shift and a mask extract, W = E + 2^8 O. All of what follows is modulo 2^32.
 *
 *   E * (q2 + 2^16 q0) = u0 q2 + 2^16 (u0 q0 + u2 q2)          E has this factor X, O in the same way
 *   O * (q3 + 2^16 q1) = u1 q3 + 2^16 (u1 q1 + u3 q3)          this factor Y
 *   W * X + O * (Y - 2^8 X) = E * X + O * Y                    so that E need not be masked out
 *
 * The sum of these over some words is L + 2^16 M: M is the result, with u for k, and L = sum of u0 q2 + u1 q3. As u
 * = k + 128, it is larger than with k by 0x00800080 * (X + Y), summed over the words, which depends only on the
 * vector: it is subtracted, and 2^15 added, once for all rows. With k for u, |L| and |M| are at most 128 * sum of |q|.
 * Where that sum is at most 255, both are at most 32640: L + 2^15 lies in [0, 2^16) and changes nothing above, M fits
 * the upper 16 bits with its sign. So the result >> 16 is M, exactly.
 *
 * Eight columns of the vector, or else four, stay in registers for all rows; their sum of |q| is checked first.
 * Columns with larger ones, and rows that are not at multiples of 4 bytes, are taken byte by byte. */
#include "textzoo/dot_rows_s8.h"

#include <string.h>

enum { WORD = 4 /* columns */, LARGEST = 255 /* sum of |q| */ };
#define MASK 0x00FF00FFu
#define SIGNS 0x80808080u
#define BIAS 0x00800080u
#define HALF 0x8000u

/* The factors of W and O. */
typedef struct {
    uint32_t all, odd;
} tz_word_factors_t;

/* Four columns of the vector; subtracts the excess of their keys from `start`. */
static tz_word_factors_t factors_of(const int16_t *vector, uint32_t *start)
{
    const uint32_t even = (uint32_t)vector[2] + ((uint32_t)vector[0] << 16);
    const uint32_t odd = (uint32_t)vector[3] + ((uint32_t)vector[1] << 16);
    *start -= BIAS * (even + odd);
    return (tz_word_factors_t){even, odd - (even << 8)};
}

/* The keys at a multiple of 4 bytes. */
static inline uint32_t products(const int8_t *keys, tz_word_factors_t factors)
{
    uint32_t word;
    memcpy(&word, __builtin_assume_aligned(keys, WORD), sizeof word);
    word ^= SIGNS;
    return word * factors.all + (word >> 8 & MASK) * factors.odd;
}

#if defined(__XTENSA__) && !defined(TZ_NO_ASSEMBLY)

/* In assembly, because GCC's order of these needs more registers than there are. */
static inline void add_row(const int8_t *row, tz_word_factors_t first, tz_word_factors_t second, uint32_t start,
                           int32_t *sum)
{
    uint32_t a, b, total;
    __asm__ volatile("l32i %[a], %[row], 0\n"
                     "l32i %[b], %[row], 4\n"
                     "xor %[a], %[a], %[signs]\n"
                     "xor %[b], %[b], %[signs]\n"
                     "mull %[total], %[a], %[first_all]\n"
                     "srli %[a], %[a], 8\n"
                     "and %[a], %[a], %[mask]\n"
                     "mull %[a], %[a], %[first_odd]\n"
                     "add %[total], %[total], %[start]\n"
                     "add %[total], %[total], %[a]\n"
                     "mull %[a], %[b], %[second_all]\n"
                     "srli %[b], %[b], 8\n"
                     "and %[b], %[b], %[mask]\n"
                     "mull %[b], %[b], %[second_odd]\n"
                     "add %[total], %[total], %[a]\n"
                     "l32i %[a], %[sum], 0\n"
                     "add %[total], %[total], %[b]\n"
                     "srai %[total], %[total], 16\n"
                     "add %[total], %[total], %[a]\n"
                     "s32i %[total], %[sum], 0\n"
                     : [a] "=&a"(a), [b] "=&a"(b), [total] "=&a"(total)
                     : [row] "a"(row), [sum] "a"(sum), [first_all] "a"(first.all), [first_odd] "a"(first.odd),
                       [second_all] "a"(second.all), [second_odd] "a"(second.odd), [start] "a"(start),
                       [signs] "a"(SIGNS), [mask] "a"(MASK)
                     : "memory");
}

#else

static inline void add_row(const int8_t *row, tz_word_factors_t first, tz_word_factors_t second, uint32_t start,
                           int32_t *sum)
{
    *sum += (int32_t)(products(row, first) + products(row + WORD, second) + start) >> 16;
}

#endif

/* Eight columns, added to the sums. */
__attribute__((noinline)) static void add_two_words(const int8_t *rows, int32_t count, int32_t length,
                                                    const int16_t *vector, int32_t *sums)
{
    uint32_t start = HALF;
    const tz_word_factors_t first = factors_of(vector, &start), second = factors_of(vector + WORD, &start);
    for (const int32_t *const end = sums + count; sums != end; ++sums, rows += length) {
        add_row(rows, first, second, start, sums);
    }
}

/* Four columns, added to the sums. */
__attribute__((noinline)) static void add_word(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector,
                                               int32_t *sums)
{
    uint32_t start = HALF;
    const tz_word_factors_t factors = factors_of(vector, &start);
    for (const int32_t *const end = sums + count; sums != end; ++sums, rows += length) {
        *sums += (int32_t)(products(rows, factors) + start) >> 16;
    }
}

static void add_bytes(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t columns,
                      int32_t *sums)
{
    for (int32_t row = 0; row < count; ++row, rows += length) {
        int32_t sum = sums[row];
        for (int32_t column = 0; column < columns; ++column) {
            sum += rows[column] * vector[column];
        }
        sums[row] = sum;
    }
}

/* Whether so many columns can be taken together. */
static int fit(const int16_t *vector, int32_t columns)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < columns; ++column) {
        sum += vector[column] < 0 ? -vector[column] : vector[column];
    }
    return sum <= LARGEST;
}

/* Some of the columns that are left, a multiple of 4, added to the sums; returns how many. */
static int32_t add_columns(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t left,
                           int32_t *sums)
{
    if (left >= 2 * WORD && fit(vector, 2 * WORD)) {
        add_two_words(rows, count, length, vector, sums);
        return 2 * WORD;
    }
    if (fit(vector, WORD)) {
        add_word(rows, count, length, vector, sums);
    } else {
        add_bytes(rows, count, length, vector, WORD, sums);
    }
    return WORD;
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    for (int32_t row = 0; row < count; ++row) {
        sums[row] = 0;
    }
    if ((((uintptr_t)rows | (uintptr_t)length) & (WORD - 1)) != 0) {
        add_bytes(rows, count, length, vector, length, sums);
        return;
    }
    for (int32_t column = 0; column < length;) {
        column += add_columns(rows + column, count, length, vector + column, length - column, sums);
    }
}
