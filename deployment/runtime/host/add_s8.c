/* PCs: with AVX2, eight elements at a time; elsewhere, and for the rest, as in the generic kernel. */
#include "textzoo/add_s8.h"

#if defined(__AVX2__)

#include "../internal/avx2_scale.h"

enum { LANES = 8 };

static int32_t add_eights(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    const __m256i minimum = _mm256_set1_epi32(add->minimum), maximum = _mm256_set1_epi32(add->maximum);
    int32_t i = 0;
    for (; i + LANES <= add->count; i += LANES) {
        const __m256i left = tz_scale_eight(tz_load_eight(a + i, add->a_zero_point), add->a);
        const __m256i right = tz_scale_eight(tz_load_eight(b + i, add->b_zero_point), add->b);
        const __m256i sum = tz_scale_eight(_mm256_add_epi32(left, right), add->output);
        tz_store_eight(output + i, _mm256_max_epi32(_mm256_min_epi32(sum, maximum), minimum));
    }
    return i;
}

#else

static int32_t add_eights(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    (void)add, (void)a, (void)b, (void)output;
    return 0;
}

#endif

void tz_add_s8(const tz_add_s8_t *add, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = add_eights(add, a, b, output); i < add->count; ++i) {
        const int32_t left = tz_scale_hoisted(a[i] - add->a_zero_point, add->a);
        const int32_t right = tz_scale_hoisted(b[i] - add->b_zero_point, add->b);
        output[i] = (int8_t)tz_clamp(tz_scale_hoisted(left + right, add->output), add->minimum, add->maximum);
    }
}
