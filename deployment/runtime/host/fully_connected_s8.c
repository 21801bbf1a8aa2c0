/* PCs and Linux boards: 8 rows by 4 columns at a time with AVX2. x86 multiplies unsigned bytes by signed ones. Inputs x
 * become unsigned, u, in one of two ways:
 *   AVX2: x * w = |x| * (w with the sign of x). VPMADDUBSW adds two such products in int16 and cannot saturate, because
 *   |x| <= 128 and |w| <= 127: 2 * 128 * 127 = 32512.
 *   VNNI: x * w = (x + 128) * w - 128 * w; 128 * (sum of w) is subtracted first.
 *
 * Weights: int8, as in row_blocks.inc; a block begins with 128 * (sum of w) of each row (int32). */
#define FIELDS 1
#define OFFSET 0
#define HEAD_BYTES 4

#include "row_blocks.inc"

#if defined(__AVX2__)

static inline void prepare(tz_block_inputs_t *inputs)
{
    for (int32_t column = 0; column < inputs->columns; column += PADDING) {
        const __m256i x = load(inputs->values + column);
#if defined(DOT_BYTES)
        const __m256i u = _mm256_xor_si256(x, _mm256_set1_epi8(INT8_MIN));
#else
        const __m256i u = _mm256_abs_epi8(x);
#endif
        store(inputs->more + column, u);
    }
}

static inline __m256i first_sum(const int8_t *row_sums)
{
#if defined(DOT_BYTES)
    return _mm256_sub_epi32(_mm256_setzero_si256(), load(row_sums));
#else
    (void)row_sums;
    return _mm256_setzero_si256();
#endif
}

/* sum + four columns of eight rows, for inputs x, unsigned u. */
static inline __m256i add_unit(__m256i sum, __m256i x, __m256i u, const int8_t *weights)
{
#if defined(DOT_BYTES)
    (void)x;
    return DOT_BYTES(sum, u, load(weights));
#else
    const __m256i pairs = _mm256_maddubs_epi16(u, _mm256_sign_epi8(load(weights), x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
}

/* A block or a stripe: `rows` is a constant. */
static inline const int8_t *dot_rows(const int8_t *weights, const tz_block_inputs_t *inputs, int32_t rows,
                                               int32_t *sums)
{
    const int32_t vectors = rows / LANES;
    __m256i totals[BLOCK / LANES];
    for (int32_t i = 0; i < vectors; ++i, weights += UNIT) {
        totals[i] = first_sum(weights);
    }
    for (int32_t column = 0; column < inputs->columns; column += GROUP) {
        const __m256i x = broadcast(inputs->values + column), u = broadcast(inputs->more + column);
        for (int32_t i = 0; i < vectors; ++i, weights += UNIT) {
            totals[i] = add_unit(totals[i], x, u, weights);
        }
    }
    for (int32_t i = 0; i < vectors; ++i) {
        store(sums + i * LANES, totals[i]);
    }
    return weights;
}

#endif

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    fully_connected(layer, input, output, scratch);
}
