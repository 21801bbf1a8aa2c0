/* PCs and Linux boards, weights in [-8, 7]: 16 rows by 4 columns at a time with AVX2.
 *
 * Exact: a field is weight + 8, in [0, 15]. VPMADDUBSW adds two products, at most 2 * 15 * 128 = 3840; eight of them
 * are at most 30720, which fits int16.
 *
 * Weights: as in row_blocks.inc; of the 16 rows of a stripe the first eight in the lower half-bytes, each + 8. */
#define FIELDS 2
#define OFFSET 8
#define HEAD_BYTES 0

enum { STEPS = 8 }; /* groups of columns whose sums fit int16 */

#include "row_blocks.inc"

#if defined(__AVX2__)

static inline int field_shift(int32_t field)
{
    (void)field;
    return 0;
}

static inline void unpack(__m256i bytes, __m256i *fields)
{
    const __m256i mask = _mm256_set1_epi8(15);
    fields[0] = _mm256_and_si256(bytes, mask);
    fields[1] = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
}

#endif

void tz_fully_connected_s8_w4(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
