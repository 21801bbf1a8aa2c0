/* Cortex-M cores with the DSP extension: 0.75 instructions per MAC in the inner loop.
 *
 * SMLALD adds the products of two pairs of int16 to 64 bits, which is exact. */
#include "textzoo/dot_rows_s16.h"

#include <arm_acle.h>
#include <string.h>

enum {
    GROUP = 8, /* columns: as many as four words hold */
    WIDE = 4,  /* groups in one iteration of the unrolled loop */
};

static inline int32_t load_word(const int16_t *pair)
{
    int32_t word;
    memcpy(&word, pair, sizeof word);
    return word;
}

#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(TZ_NO_ASSEMBLY)

#define ONE_GROUP                                                                                                      \
    "ldmia %[a]!, {r4, r5, r6, r8}\n"                                                                                  \
    "ldmia %[b]!, {r9, r10, r11, r12}\n"                                                                               \
    "smlald %[low], %[high], r4, r9\n"                                                                                 \
    "smlald %[low], %[high], r5, r10\n"                                                                                \
    "smlald %[low], %[high], r6, r11\n"                                                                                \
    "smlald %[low], %[high], r8, r12\n"
#define ADD_GROUPS(groups)                                                                                             \
    __asm__ volatile(groups                                                                                            \
                     : [a] "+r"(row), [b] "+r"(vector), [low] "+r"(low), [high] "+r"(high)                             \
                     :                                                                                                 \
                     : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory")

/* Both at multiples of 4 bytes; the columns are a multiple of eight. */
static inline int64_t dot_groups(const int16_t *row, const int16_t *vector, int32_t columns)
{
    uint32_t low = 0;
    int32_t high = 0;
    const int16_t *const end = row + columns;
    const int16_t *const wide_end = row + columns / (GROUP * WIDE) * (GROUP * WIDE);
    while (row != wide_end) {
        ADD_GROUPS(ONE_GROUP ONE_GROUP ONE_GROUP ONE_GROUP);
    }
    while (row != end) {
        ADD_GROUPS(ONE_GROUP);
    }
    return (int64_t)((uint64_t)(uint32_t)high << 32 | low);
}

#else

static inline int64_t dot_groups(const int16_t *row, const int16_t *vector, int32_t columns)
{
    int64_t sum = 0;
    for (int32_t column = 0; column < columns; column += 2) {
        sum = __smlald(load_word(row + column), load_word(vector + column), sum);
    }
    return sum;
}

#endif

/* From any address, any number of columns. */
static int64_t dot_pairs(const int16_t *row, const int16_t *vector, int32_t columns)
{
    int64_t sum = 0;
    int32_t column = 0;
    for (; column + 2 <= columns; column += 2) {
        sum = __smlald(load_word(row + column), load_word(vector + column), sum);
    }
    return column < columns ? sum + row[column] * vector[column] : sum;
}

void tz_dot_rows_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *vector, tz_wide_scale_t scale,
                     int16_t *scores)
{
    const int aligned = (((uintptr_t)rows | (uintptr_t)vector | (uintptr_t)(2 * length)) & 3) == 0;
    const int32_t whole = aligned ? length & -GROUP : 0;
    for (; count > 0; --count, rows += length) {
        int64_t sum = dot_groups(rows, vector, whole);
        if (whole < length) {
            sum += dot_pairs(rows + whole, vector + whole, length - whole);
        }
        *scores++ = tz_scaled_s16(sum, scale);
    }
}
