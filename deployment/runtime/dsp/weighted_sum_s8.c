/* Cortex-M cores with the DSP extension: two rows by four columns at a time, 2.1 instructions per MAC.
 *
 * A word of weights holds those of two neighbouring rows. SXTB16 makes two pairs of int16 of a word of bytes; SMLAxy
 * multiplies any half of a pair with any half of the weights. Exact as long as the sums fit int32, as the contract says. */
#include "textzoo/weighted_sum_s8.h"

#include <arm_acle.h>
#include <string.h>

enum { COLUMNS = 4 };

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

/* Four columns of all rows. */
static void four_columns(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t sum_0 = 0, sum_1 = 0, sum_2 = 0, sum_3 = 0;
    const int16_t *const pairs_end = weights + (count & ~1);
    const int16_t *const end = weights + count;
    while (weights < pairs_end) {
        const int32_t both = load_word(weights);
        const int32_t first = load_word(rows), second = load_word(rows + length);
        const int32_t first_even = __sxtb16(first), first_odd = odd_bytes(first);
        const int32_t second_even = __sxtb16(second), second_odd = odd_bytes(second);
        sum_0 = __smlabt(second_even, both, __smlabb(first_even, both, sum_0));
        sum_1 = __smlabt(second_odd, both, __smlabb(first_odd, both, sum_1));
        sum_2 = __smlatt(second_even, both, __smlatb(first_even, both, sum_2));
        sum_3 = __smlatt(second_odd, both, __smlatb(first_odd, both, sum_3));
        rows += 2 * length;
        weights += 2;
    }
    if (weights < end) {
        sum_0 += rows[0] * *weights;
        sum_1 += rows[1] * *weights;
        sum_2 += rows[2] * *weights;
        sum_3 += rows[3] * *weights;
    }
    sums[0] = sum_0, sums[1] = sum_1, sums[2] = sum_2, sums[3] = sum_3;
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t column = 0;
    for (; column + COLUMNS <= length; column += COLUMNS) {
        four_columns(rows + column, count, length, weights, sums + column);
    }
    for (; column < length; ++column) {
        sums[column] = 0;
        for (int32_t row = 0; row < count; ++row) {
            sums[column] += weights[row] * rows[row * length + column];
        }
    }
}
