/* Desktops and Linux boards: AVX2 with or without VNNI, SSE2, and for all others GCC's and Clang's vectors.
 *
 * Eight rows are the eight int32 lanes of a vector, and a lane takes four columns at a time: sums need no adding up
 * across lanes. x86 multiplies unsigned bytes u by signed ones. Inputs x become unsigned in one of two ways:
 *   AVX2: x * w = |x| * (w with the sign of x). VPMADDUBSW adds two such products in int16 and cannot saturate, because
 *   |x| <= 128 and |w| <= 127: 2 * 128 * 127 = 32512.
 *   VNNI: x * w = (x + 128) * w - 128 * w; 128 * (sum of w) is taken off first.
 *
 * Weights: int8. Blocks of 64 rows, blocks of 8 rows, then single rows.
 *   A block: 128 * (sum of w) of each row (int32), then for every 4 columns, for each row, its 4 weights; columns are
 *   filled up with zeros to a multiple of 4.
 *   A single row: its weights, filled up with zeros to a multiple of 32.
 * Scratch: the inputs, filled up with zeros to a multiple of 32, once as they are and once unsigned. */
#include "textzoo/fully_connected_s8.h"

#include <string.h>

#include "textzoo/fixedpoint.h"

enum {
    LANES = 8,         /* rows */
    BLOCK = 8 * LANES, /* rows */
    GROUP = 4,         /* columns in a lane */
    UNIT = 4 * LANES,  /* bytes of weights in a vector: 8 rows by 4 columns */
    PADDING = 32,      /* columns */
};

/* Any rows, from their sums without the bias. */
static void requantize_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                            int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        const int32_t sum = *sums++ + layer->bias[row];
        const int32_t scaled = tz_scale_single(sum, layer->multipliers[row], layer->shifts[row]);
        output[row] = (int8_t)tz_clamp(scaled + layer->output_zero_point, layer->minimum, layer->maximum);
    }
}

#if defined(__AVX2__)
#include <immintrin.h>

#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
#define DOT_BYTES _mm256_dpbusd_epi32
#elif defined(__AVXVNNI__)
#define DOT_BYTES _mm256_dpbusd_avx_epi32
#endif

static inline __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

static inline __m256i broadcast(const int8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm256_set1_epi32(word);
}

static void make_unsigned(const int8_t *inputs, int32_t columns, int8_t *unsigned_inputs)
{
    for (int32_t column = 0; column < columns; column += PADDING) {
        const __m256i x = load(inputs + column);
#if defined(DOT_BYTES)
        const __m256i u = _mm256_xor_si256(x, _mm256_set1_epi8(INT8_MIN));
#else
        const __m256i u = _mm256_abs_epi8(x);
#endif
        _mm256_storeu_si256((void *)(unsigned_inputs + column), u);
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

/* Partial redundancy elimination of GCC 12 makes it copy every sum in every turn of the loop. */
#if defined(__GNUC__) && !defined(__clang__)
#define KEEP_SUMS __attribute__((optimize("no-tree-partial-pre")))
#else
#define KEEP_SUMS
#endif

/* Sums of 64 rows. */
static inline KEEP_SUMS const int8_t *dot_block(const int8_t *weights, const int8_t *inputs,
                                                const int8_t *unsigned_inputs, int32_t columns, __m256i *sums)
{
    __m256i sum0 = first_sum(weights), sum1 = first_sum(weights + UNIT);
    __m256i sum2 = first_sum(weights + 2 * UNIT), sum3 = first_sum(weights + 3 * UNIT);
    __m256i sum4 = first_sum(weights + 4 * UNIT), sum5 = first_sum(weights + 5 * UNIT);
    __m256i sum6 = first_sum(weights + 6 * UNIT), sum7 = first_sum(weights + 7 * UNIT);
    weights += 8 * UNIT;
    for (int32_t column = 0; column < columns; column += GROUP, weights += 8 * UNIT) {
        const __m256i x = broadcast(inputs + column), u = broadcast(unsigned_inputs + column);
        sum0 = add_unit(sum0, x, u, weights);
        sum1 = add_unit(sum1, x, u, weights + UNIT);
        sum2 = add_unit(sum2, x, u, weights + 2 * UNIT);
        sum3 = add_unit(sum3, x, u, weights + 3 * UNIT);
        sum4 = add_unit(sum4, x, u, weights + 4 * UNIT);
        sum5 = add_unit(sum5, x, u, weights + 5 * UNIT);
        sum6 = add_unit(sum6, x, u, weights + 6 * UNIT);
        sum7 = add_unit(sum7, x, u, weights + 7 * UNIT);
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
    sums[4] = sum4;
    sums[5] = sum5;
    sums[6] = sum6;
    sums[7] = sum7;
    return weights;
}

/* Sums of 8 rows. */
static inline const int8_t *dot_unit(const int8_t *weights, const int8_t *inputs, const int8_t *unsigned_inputs,
                                     int32_t columns, __m256i *sums)
{
    __m256i sum = first_sum(weights);
    for (int32_t column = 0; column < columns; column += GROUP) {
        weights += UNIT;
        sum = add_unit(sum, broadcast(inputs + column), broadcast(unsigned_inputs + column), weights);
    }
    *sums = sum;
    return weights + UNIT;
}

/* Eight rows to int32 lanes in [-2^30 - 128, 2^30 + 128], not clamped yet; shifts are up to -2.
 *
 * tz_scale_single is floor((s m + 2^(t-1)) / 2^t), t = 31 - shift. With e = -2 - shift >= 0 that equals (h + 1) >> 1,
 * h = floor(s m / 2^(t-1)) = floor(floor(s m / 2^32) / 2^e). With the zero point z: (h + 1 + 2 z) >> 1. */
static inline __m256i scale_lanes(const tz_fully_connected_s8_t *layer, int32_t row, __m256i dots)
{
    const __m256i shifts = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(layer->shifts + row)));
    const __m256i sums = _mm256_add_epi32(dots, load(layer->bias + row)), multipliers = load(layer->multipliers + row);
    const __m256i even = _mm256_mul_epi32(sums, multipliers);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(multipliers, 32));
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    const __m256i shifted = _mm256_srav_epi32(high, _mm256_sub_epi32(_mm256_set1_epi32(-2), shifts));
    const __m256i rounding = _mm256_set1_epi32(2 * layer->output_zero_point + 1);
    return _mm256_srai_epi32(_mm256_add_epi32(shifted, rounding), 1);
}

/* 32 rows. */
static inline void requantize_lanes(const tz_fully_connected_s8_t *layer, int32_t row, const __m256i *dots,
                                    int8_t *output)
{
    const __m256i first = _mm256_packs_epi32(scale_lanes(layer, row, dots[0]), scale_lanes(layer, row + 8, dots[1]));
    const __m256i second =
        _mm256_packs_epi32(scale_lanes(layer, row + 16, dots[2]), scale_lanes(layer, row + 24, dots[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* packing works within halves */
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second), order);
    const __m256i raised = _mm256_max_epi8(bytes, _mm256_set1_epi8((char)layer->minimum));
    _mm256_storeu_si256((void *)(output + row), _mm256_min_epi8(raised, _mm256_set1_epi8((char)layer->maximum)));
}

/* Whether scale_lanes can take the shifts of 64 rows. */
static inline int shifts_are_small(const int8_t *shifts)
{
    const __m256i largest = _mm256_max_epi8(load(shifts), load(shifts + 32));
    return !_mm256_movemask_epi8(_mm256_cmpgt_epi8(largest, _mm256_set1_epi8(-2)));
}

static const int8_t *rows_of_64(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights,
                                const int8_t *inputs, const int8_t *unsigned_inputs, int8_t *output)
{
    __m256i dots[BLOCK / LANES];
    weights = dot_block(weights, inputs, unsigned_inputs, layer->columns, dots);
    if (shifts_are_small(layer->shifts + row)) {
        requantize_lanes(layer, row, dots, output);
        requantize_lanes(layer, row + 32, dots + 4, output);
    } else {
        requantize_rows(layer, row, BLOCK, (const int32_t *)(const void *)dots, output);
    }
    return weights;
}

static const int8_t *rows_of_8(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights,
                               const int8_t *inputs, const int8_t *unsigned_inputs, int8_t *output)
{
    __m256i dots;
    weights = dot_unit(weights, inputs, unsigned_inputs, layer->columns, &dots);
    requantize_rows(layer, row, LANES, (const int32_t *)(const void *)&dots, output);
    return weights;
}

#else

#if defined(__SSE2__)
#include <emmintrin.h>

/* Adds two rows by four columns to each of two sums. */
static inline void add_products(__m128i *sums, __m128i inputs, const int8_t *weights)
{
    const __m128i bytes = _mm_loadu_si128((const void *)weights);
    const __m128i low = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
    const __m128i high = _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8);
    sums[0] = _mm_add_epi32(sums[0], _mm_madd_epi16(low, inputs));
    sums[1] = _mm_add_epi32(sums[1], _mm_madd_epi16(high, inputs));
}

/* Eight rows; `stride`: bytes from one group of columns to the next. */
static void dot_eight(const int8_t *weights, int32_t stride, const int8_t *inputs, int32_t columns, int32_t *sums)
{
    __m128i pairs[LANES / 2] = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    int32_t halves[LANES][2];
    for (int32_t column = 0; column < columns; column += GROUP, weights += stride) {
        int32_t four;
        memcpy(&four, inputs + column, sizeof four);
        const __m128i bytes = _mm_set1_epi32(four), x = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
        add_products(pairs, x, weights);
        add_products(pairs + 2, x, weights + 4 * GROUP);
    }
    memcpy(halves, pairs, sizeof halves);
    for (int row = 0; row < LANES; ++row) {
        sums[row] = halves[row][0] + halves[row][1];
    }
}

#else

typedef int8_t bytes_t __attribute__((vector_size(8)));
typedef int16_t halves_t __attribute__((vector_size(16)));
typedef int16_t row_t __attribute__((vector_size(8)));
typedef int32_t words_t __attribute__((vector_size(16)));

/* Four inputs twice: they meet the weights of two rows. */
static inline halves_t twice(const int8_t *inputs)
{
    bytes_t bytes;
    memcpy(&bytes, inputs, GROUP);
    memcpy((int8_t *)&bytes + GROUP, inputs, GROUP);
    return __builtin_convertvector(bytes, halves_t);
}

/* Adds four columns to the sums of two rows; |x * w| <= 128 * 128 fits int16. */
static inline void add_products(words_t *sums, halves_t inputs, const int8_t *weights)
{
    bytes_t bytes;
    row_t rows[2];
    memcpy(&bytes, weights, sizeof bytes);
    const halves_t products = __builtin_convertvector(bytes, halves_t) * inputs;
    memcpy(rows, &products, sizeof rows);
    sums[0] += __builtin_convertvector(rows[0], words_t);
    sums[1] += __builtin_convertvector(rows[1], words_t);
}

/* Eight rows; `stride`: bytes from one group of columns to the next. */
static void dot_eight(const int8_t *weights, int32_t stride, const int8_t *inputs, int32_t columns, int32_t *sums)
{
    words_t rows[LANES] = {{0}};
    for (int32_t column = 0; column < columns; column += GROUP, weights += stride) {
        const halves_t x = twice(inputs + column);
        for (int row = 0; row < LANES; row += 2) {
            add_products(rows + row, x, weights + row * GROUP);
        }
    }
    for (int row = 0; row < LANES; ++row) {
        sums[row] = rows[row][0] + rows[row][1] + rows[row][2] + rows[row][3];
    }
}

#endif

static void make_unsigned(const int8_t *inputs, int32_t columns, int8_t *unsigned_inputs)
{
    (void)inputs, (void)columns, (void)unsigned_inputs;
}

/* 8 or 64 rows. */
static const int8_t *some_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int8_t *weights,
                               const int8_t *inputs, int8_t *output)
{
    int32_t sums[LANES];
    const int32_t stride = rows * GROUP;
    weights += rows * (int32_t)sizeof *sums;
    for (int32_t first = 0; first < rows; first += LANES) {
        dot_eight(weights + first * GROUP, stride, inputs, layer->columns, sums);
        requantize_rows(layer, row + first, LANES, sums, output);
    }
    return weights + (layer->columns + GROUP - 1) / GROUP * stride;
}

static const int8_t *rows_of_64(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights,
                                const int8_t *inputs, const int8_t *unsigned_inputs, int8_t *output)
{
    (void)unsigned_inputs;
    return some_rows(layer, row, BLOCK, weights, inputs, output);
}

static const int8_t *rows_of_8(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights,
                               const int8_t *inputs, const int8_t *unsigned_inputs, int8_t *output)
{
    (void)unsigned_inputs;
    return some_rows(layer, row, LANES, weights, inputs, output);
}

#endif

static void one_row(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights, const int8_t *inputs,
                    int32_t columns, int8_t *output)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < columns; ++column) {
        sum += weights[column] * inputs[column];
    }
    requantize_rows(layer, row, 1, &sum, output);
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t columns = (layer->columns + PADDING - 1) / PADDING * PADDING;
    const int8_t *weights = layer->weights;
    int8_t *const inputs = scratch, *const unsigned_inputs = inputs + columns;
    int32_t row = 0;
    memset(inputs + columns - PADDING, 0, PADDING);
    memcpy(inputs, input, (size_t)layer->columns);
    make_unsigned(inputs, columns, unsigned_inputs);
    for (; row + BLOCK <= layer->rows; row += BLOCK) {
        weights = rows_of_64(layer, row, weights, inputs, unsigned_inputs, output);
    }
    for (; row + LANES <= layer->rows; row += LANES) {
        weights = rows_of_8(layer, row, weights, inputs, unsigned_inputs, output);
    }
    for (; row < layer->rows; ++row, weights += columns) {
        one_row(layer, row, weights, inputs, columns, output);
    }
}
