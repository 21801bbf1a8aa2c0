/* tz_scale_hoisted for eight values at once, with AVX2. */
#ifndef TEXTZOO_AVX2_SCALE_H
#define TEXTZOO_AVX2_SCALE_H

#include <immintrin.h>

#include "textzoo/fixedpoint.h"

/* tz_upper_product in every lane: VPMULDQ multiplies the even lanes to 64 bits, so the odd ones need a second one. */
static inline __m256i tz_upper_product_eight(__m256i a, __m256i multiplier)
{
    const __m256i half = _mm256_set1_epi64x(INT64_C(0x80000000));
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, multiplier), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), multiplier), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

/* The same steps as tz_scale_hoisted. */
static inline __m256i tz_scale_eight(__m256i values, tz_hoisted_t scale)
{
    const __m256i raised = _mm256_sll_epi32(values, _mm_cvtsi32_si128(scale.left));
    const __m256i product = tz_upper_product_eight(raised, _mm256_set1_epi32(scale.multiplier));
    const __m256i away = _mm256_add_epi32(product, _mm256_srai_epi32(product, 31));
    const __m256i rounded = _mm256_sra_epi32(away, _mm_cvtsi32_si128(scale.right));
    return _mm256_srai_epi32(_mm256_add_epi32(rounded, _mm256_set1_epi32(scale.offset)), 1);
}

/* Eight int8, the zero point subtracted. */
static inline __m256i tz_load_eight(const int8_t *bytes, int32_t zero_point)
{
    const __m128i narrow = _mm_loadl_epi64((const __m128i *)(const void *)bytes);
    return _mm256_sub_epi32(_mm256_cvtepi8_epi32(narrow), _mm256_set1_epi32(zero_point));
}

/* Eight int32 to int8, saturating. */
static inline void tz_store_eight(int8_t *bytes, __m256i values)
{
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
    _mm_storel_epi64((__m128i *)(void *)bytes, _mm_packs_epi16(words, words));
}

#endif
