/* PCs: with AVX2, two rows by 64 columns at a time; elsewhere plain C that compilers vectorise.
 *
 * Bytes of two rows, interleaved and widened, are pairs of int16; VPMADDWD multiplies each pair with the two rows' weights
 * and adds the products. Exact as long as the sums fit int32, as the contract guarantees. */
#include "textzoo/weighted_sum_s8.h"

/* Columns from `start` on. */
static void add_columns(const int8_t *rows, int32_t count, int32_t length, int32_t start, const int16_t *weights,
                        int32_t *sums)
{
    for (int32_t i = start; i < length; ++i) {
        sums[i] = 0;
    }
    for (int32_t row = 0; row < count; ++row, rows += length) {
        for (int32_t i = start; i < length; ++i) {
            sums[i] += weights[row] * rows[i];
        }
    }
}

#if defined(__AVX2__)

#include <immintrin.h>
#include <string.h>

enum { COLUMNS = 64, GROUP = 16, GROUPS = COLUMNS / GROUP };

static inline void add_pair(const int8_t *first, const int8_t *second, __m256i weights, __m256i *sums)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)first);
    const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)second);
    const __m256i low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b));
    const __m256i high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b));
    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, weights));
    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, weights));
}

/* 64 columns of all rows: the sums stay in eight registers. An odd last row is paired with itself, weight 0. */
static void wide_columns(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    __m256i totals[2 * GROUPS];
    for (int32_t group = 0; group < 2 * GROUPS; ++group) {
        totals[group] = _mm256_setzero_si256();
    }
    for (int32_t row = 0; row < count; row += 2, rows += 2 * length) {
        const int32_t next = row + 1 < count ? length : 0;
        const uint16_t pair[2] = {(uint16_t)weights[row], row + 1 < count ? (uint16_t)weights[row + 1] : 0};
        int32_t both;
        memcpy(&both, pair, sizeof both);
        if (both == 0) {
            continue; /* most weights of attention are 0 after rounding */
        }
        for (int32_t group = 0; group < GROUPS; ++group) {
            const int8_t *first = rows + group * GROUP;
            add_pair(first, first + next, _mm256_set1_epi32(both), totals + 2 * group);
        }
    }
    for (int32_t group = 0; group < 2 * GROUPS; ++group) {
        _mm256_storeu_si256((__m256i *)(void *)(sums + group * 8), totals[group]);
    }
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t column = 0;
    for (; column + COLUMNS <= length; column += COLUMNS) {
        wide_columns(rows + column, count, length, weights, sums + column);
    }
    add_columns(rows, count, length, column, weights, sums);
}

#else

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    add_columns(rows, count, length, 0, weights, sums);
}

#endif
