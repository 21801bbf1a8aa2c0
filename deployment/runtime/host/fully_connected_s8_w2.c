/* PCs and Linux boards, weights in [-1, 1]: 32 rows by 4 columns at a time with AVX2.
 *
 * Two of the four fields of a byte stay where they are, times 4: that saves shifts.
 *
 * Exact: a field is weight + 1, in [0, 2], or 4 times that, in {0, 4, 8}. VPMADDUBSW adds two products, which lie in
 * [2 * 8 * -128, 2 * 8 * 127]; 16 of them lie in [-32768, 32512], which fits int16. Their sum is a multiple of 4.
 *
 * Weights: as in row_blocks.inc; of the 32 rows of a stripe the first eight in the lowest two bits, each + 1. */
#define FIELDS 4
#define OFFSET 1
#define HEAD_BYTES 0

enum { STEPS = 16 }; /* groups of columns whose sums fit int16 */

#include "row_blocks.inc"

#if defined(__AVX2__)

static inline int field_shift(int32_t field)
{
    return field % 2 * 2;
}

static inline void unpack(__m256i bytes, __m256i *fields)
{
    const __m256i even = _mm256_set1_epi8(3), odd = _mm256_set1_epi8(3 << 2), upper = _mm256_srli_epi16(bytes, 4);
    fields[0] = _mm256_and_si256(bytes, even);
    fields[1] = _mm256_and_si256(bytes, odd);
    fields[2] = _mm256_and_si256(upper, even);
    fields[3] = _mm256_and_si256(upper, odd);
}

#endif

void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
