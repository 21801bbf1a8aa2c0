/* PCs: with AVX2, four rows at a time, sixteen products per instruction (VPMADDWD adds two neighbouring ones); elsewhere
 * plain C that compilers vectorise. Exact as long as the sums fit int32, as the contract guarantees. */
#include "textzoo/dot_rows_s8.h"

static int32_t rest_of_row(const int8_t *row, const int16_t *vector, int32_t start, int32_t length)
{
    int32_t sum = 0;
    for (int32_t i = start; i < length; ++i) {
        sum += row[i] * vector[i];
    }
    return sum;
}

#if defined(__AVX2__)

#include <immintrin.h>

enum { ROWS = 4, GROUP = 16 };

static inline __m256i add_group(const int8_t *row, const int16_t *vector, __m256i sum)
{
    const __m256i bytes = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)row));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(bytes, _mm256_loadu_si256((const __m256i *)(const void *)vector)));
}

/* The sum of each of four vectors, in the order a b c d. */
static inline __m128i four_sums(__m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
}

static void four_rows(const int8_t *rows, int32_t length, const int16_t *vector, int32_t *sums)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    int32_t i = 0;
    for (; i + GROUP <= length; i += GROUP) {
        a = add_group(rows + i, vector + i, a);
        b = add_group(rows + length + i, vector + i, b);
        c = add_group(rows + 2 * length + i, vector + i, c);
        d = add_group(rows + 3 * length + i, vector + i, d);
    }
    _mm_storeu_si128((__m128i *)(void *)sums, four_sums(a, b, c, d));
    if (i < length) {
        for (int32_t row = 0; row < ROWS; ++row) {
            sums[row] += rest_of_row(rows + row * length, vector, i, length);
        }
    }
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    int32_t row = 0;
    for (; row + ROWS <= count; row += ROWS) {
        four_rows(rows + row * length, length, vector, sums + row);
    }
    for (; row < count; ++row) {
        sums[row] = rest_of_row(rows + row * length, vector, 0, length);
    }
}

#else

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    for (int32_t row = 0; row < count; ++row) {
        sums[row] = rest_of_row(rows + row * length, vector, 0, length);
    }
}

#endif
