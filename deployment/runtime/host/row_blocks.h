/* What the kernels of FULLY_CONNECTED int8 for PCs and Linux boards share: AVX2 with or without VNNI, SSE2, and for all
 * others GCC's and Clang's vectors.
 *
 * Eight rows are the eight int32 lanes of a vector, and a lane takes four columns at a time: sums need no adding up
 * across lanes. A vector of weights is bytes for that; in a byte are one, two or four rows, eight rows apart: a stripe
 * of 8, 16 or 32 rows.
 *
 * A kernel says in FIELDS how many rows share a byte, in OFFSET what was added to each weight, and in HEAD_BYTES how
 * many bytes a block begins with, for each row. It includes this file, and for AVX2 it defines `unpack` or, where
 * nothing is packed, `prepare` and `dot_rows`. Without AVX2 packed weights are unpacked to int8, 64 columns at a time.
 *
 * Packed weights, AVX2: with f = weight + OFFSET >= 0, VPMADDUBSW (VPDPBUSD) multiplies unsigned fields with signed
 * inputs; what comes is f . x, and OFFSET * (sum of x) is taken off first. `unpack` may leave fields multiplied with
 * powers of two, as long as the sums of STEPS groups of columns fit int16: then they are widened, and shifted to where
 * they belong.
 *
 * Weights: blocks of 64 rows, then stripes; a stripe's missing rows are 0. For every 4 columns, for each stripe in the
 * block, comes a vector: 4 bytes for each of 8 rows; missing columns are 0. Where less than 8 rows are left, they come
 * one by one as int8, each filled up with zeros to a multiple of 32 columns.
 * Scratch: the inputs, filled up with zeros to a multiple of 32; for weights of 8 bits, as many bytes again. */
#ifndef TEXTZOO_ROW_BLOCKS_H
#define TEXTZOO_ROW_BLOCKS_H

/* Partial redundancy elimination of GCC 12 makes it copy every sum in every turn of a loop. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-partial-pre")
#endif

#include <string.h>

#include "textzoo/fixedpoint.h"
#include "textzoo/fully_connected_s8.h"

enum {
    LANES = 8,               /* rows */
    BLOCK = 8 * LANES,       /* rows */
    STRIPE = FIELDS * LANES, /* rows */
    GROUP = 4,               /* columns in a lane */
    UNIT = GROUP * LANES,    /* bytes of weights in a vector */
    PADDING = 32,            /* columns */
};

typedef struct {
    int8_t *values;    /* (columns) filled up with zeros to a multiple of 32 */
    int8_t *more;      /* weights of 8 bits: as many bytes for what else the kernel needs */
    int32_t columns;   /* >= 1 */
    int32_t sum;       /* of the values, if the weights are packed and AVX2 multiplies them */
} inputs_t;

/* Defined by the kernel or below. `prepare` fills in what the kernel has to know about the values. `dot_rows` computes
 * the sums of a block or a stripe, without the bias, and returns the first weight that it did not read. */
static inline void prepare(inputs_t *inputs);
static inline const int8_t *dot_rows(const int8_t *weights, const inputs_t *inputs, int32_t rows, int32_t *sums);

static inline int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t groups_of(int32_t columns)
{
    return (columns + GROUP - 1) / GROUP;
}

/* Any rows, from their sums without the bias. */
static void requantize_rows(const tz_fully_connected_s8_t *layer, int32_t row, int32_t rows, const int32_t *sums,
                            int8_t *output)
{
    for (const int32_t end = row + rows; row < end; ++row) {
        output[row] = tz_row_output_s8(layer, row, *sums++ + layer->bias[row]);
    }
}

/* ---------------------------------------------------------------------------------------------------------- AVX2 */

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

static inline void store(void *to, __m256i value)
{
    _mm256_storeu_si256(to, value);
}

static inline __m256i broadcast(const int8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm256_set1_epi32(word);
}

/* Eight rows to int32 lanes in [-2^30 - 128, 2^30 + 128], not clamped yet; shifts are up to -2.
 *
 * tz_scale_single is floor((s m + 2^(t-1)) / 2^t), t = 31 - shift. With e = -2 - shift >= 0 that equals (h + 1) >> 1,
 * h = floor(s m / 2^(t-1)) = floor(floor(s m / 2^32) / 2^e). With the zero point z: (h + 1 + 2 z) >> 1. */
static inline __m256i scale_lanes(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *dots)
{
    const __m256i shifts = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(layer->shifts + row)));
    const __m256i sums = _mm256_add_epi32(load(dots), load(layer->bias + row));
    const __m256i multipliers = load(layer->multipliers + row);
    const __m256i even = _mm256_mul_epi32(sums, multipliers);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(multipliers, 32));
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    const __m256i shifted = _mm256_srav_epi32(high, _mm256_sub_epi32(_mm256_set1_epi32(-2), shifts));
    const __m256i rounding = _mm256_set1_epi32(2 * layer->output_zero_point + 1);
    return _mm256_srai_epi32(_mm256_add_epi32(shifted, rounding), 1);
}

/* 32 rows. */
static inline void requantize_lanes(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *dots,
                                    int8_t *output)
{
    const __m256i first =
        _mm256_packs_epi32(scale_lanes(layer, row, dots), scale_lanes(layer, row + 8, dots + 8));
    const __m256i second =
        _mm256_packs_epi32(scale_lanes(layer, row + 16, dots + 16), scale_lanes(layer, row + 24, dots + 24));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* packing works within halves */
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second), order);
    const __m256i raised = _mm256_max_epi8(bytes, _mm256_set1_epi8((char)layer->minimum));
    store(output + row, _mm256_min_epi8(raised, _mm256_set1_epi8((char)layer->maximum)));
}

/* Whether scale_lanes can take the shifts of 64 rows. */
static inline int shifts_are_small(const int8_t *shifts)
{
    const __m256i largest = _mm256_max_epi8(load(shifts), load(shifts + 32));
    return !_mm256_movemask_epi8(_mm256_cmpgt_epi8(largest, _mm256_set1_epi8(-2)));
}

static inline void requantize_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *sums,
                                    int8_t *output)
{
    if (shifts_are_small(layer->shifts + row)) {
        requantize_lanes(layer, row, sums, output);
        requantize_lanes(layer, row + 32, sums + 32, output);
    } else {
        requantize_rows(layer, row, BLOCK, sums, output);
    }
}

#if FIELDS > 1

/* Defined by the kernel: the fields of some bytes, field i times 2^field_shift(i). */
static inline void unpack(__m256i bytes, __m256i *fields);
static inline int field_shift(int32_t field);

#if defined(DOT_BYTES)

static inline __m256i add_products(__m256i sums, __m256i fields, __m256i x)
{
    return DOT_BYTES(sums, fields, x);
}

static inline __m256i widened(__m256i sums, int shift)
{
    return shift ? _mm256_srai_epi32(sums, shift) : sums;
}

#else

static inline __m256i add_products(__m256i sums, __m256i fields, __m256i x)
{
    const __m256i products = _mm256_maddubs_epi16(fields, x);
    /* Given the intrinsic, GCC 12 copies every sum in every turn of the loop. */
    __asm__("vpaddw %1, %0, %0" : "+x"(sums) : "x"(products));
    return sums;
}

static inline __m256i widened(__m256i sums, int shift)
{
    return _mm256_madd_epi16(shift ? _mm256_srai_epi16(sums, shift) : sums, _mm256_set1_epi16(1));
}

#endif

/* VPSADBW adds up unsigned bytes: x + 128. */
static inline void prepare(inputs_t *inputs)
{
    __m256i sums = _mm256_setzero_si256();
    int64_t lanes[4];
    int32_t column = 0;
    for (; column < inputs->columns; column += PADDING) {
        const __m256i u = _mm256_xor_si256(load(inputs->values + column), _mm256_set1_epi8(INT8_MIN));
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(u, _mm256_setzero_si256()));
    }
    store(lanes, sums);
    inputs->sum = (int32_t)(lanes[0] + lanes[1] + lanes[2] + lanes[3]) - 128 * column;
}

/* Adds up to STEPS groups of columns to the sums of a block or a stripe. */
static inline const int8_t *add_groups(const int8_t *weights, const int8_t *inputs, int32_t groups, int32_t vectors,
                                       __m256i *totals)
{
    __m256i parts[BLOCK / LANES], fields[FIELDS];
    for (int32_t i = 0; i < vectors; ++i) {
        parts[i] = _mm256_setzero_si256();
    }
    do {
        const __m256i x = broadcast(inputs);
        for (int32_t i = 0; i < vectors; i += FIELDS, weights += UNIT) {
            unpack(load(weights), fields);
            for (int32_t field = 0; field < FIELDS; ++field) {
                parts[i + field] = add_products(parts[i + field], fields[field], x);
            }
        }
        inputs += GROUP;
    } while (--groups > 0);
    for (int32_t i = 0; i < vectors; ++i) {
        totals[i] = _mm256_add_epi32(totals[i], widened(parts[i], field_shift(i % FIELDS)));
    }
    return weights;
}

static inline const int8_t *dot_rows(const int8_t *weights, const inputs_t *inputs, int32_t rows, int32_t *sums)
{
    const int8_t *values = inputs->values;
    const int32_t vectors = rows / LANES;
    __m256i totals[BLOCK / LANES];
    for (int32_t i = 0; i < vectors; ++i) {
        totals[i] = _mm256_set1_epi32(-OFFSET * inputs->sum);
    }
    for (int32_t groups = groups_of(inputs->columns); groups > 0; groups -= STEPS, values += STEPS * GROUP) {
        weights = add_groups(weights, values, smaller(groups, STEPS), vectors, totals);
    }
    for (int32_t i = 0; i < vectors; ++i) {
        store(sums + i * LANES, totals[i]);
    }
    return weights;
}

#endif

/* --------------------------------------------------------------------------------------------------- other cores */

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

/* Adds to eight rows; `stride`: bytes from one group of columns to the next. */
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
        sums[row] += halves[row][0] + halves[row][1];
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

/* Adds to eight rows; `stride`: bytes from one group of columns to the next. */
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
        sums[row] += rows[row][0] + rows[row][1] + rows[row][2] + rows[row][3];
    }
}

#endif

enum {
    FIELD_BITS = 8 / FIELDS,
    CHUNK = 16 * GROUP, /* columns unpacked together */
};

/* One field of a chunk of a stripe, as the int8 weights of eight rows. */
static inline void unpack_field(const int8_t *weights, int32_t stride, int32_t field, int32_t columns, int8_t *unpacked)
{
    for (int32_t column = 0; column < columns; column += GROUP, weights += stride, unpacked += UNIT) {
        for (int32_t i = 0; i < UNIT; ++i) {
            const int32_t byte = (uint8_t)weights[i];
            unpacked[i] = (int8_t)((byte >> field * FIELD_BITS & ((1 << FIELD_BITS) - 1)) - OFFSET);
        }
    }
}

/* A stripe. */
static void dot_stripe(const int8_t *weights, int32_t stride, const inputs_t *inputs, int32_t *sums)
{
    int8_t unpacked[CHUNK / GROUP * UNIT];
    memset(sums, 0, STRIPE * sizeof *sums);
    if (FIELDS == 1) {
        dot_eight(weights, stride, inputs->values, inputs->columns, sums);
        return;
    }
    for (int32_t column = 0; column < inputs->columns; column += CHUNK, weights += CHUNK / GROUP * stride) {
        const int32_t columns = smaller(inputs->columns - column, CHUNK);
        for (int32_t field = 0; field < FIELDS; ++field) {
            unpack_field(weights, stride, field, columns, unpacked);
            dot_eight(unpacked, UNIT, inputs->values + column, columns, sums + field * LANES);
        }
    }
}

/* A block or a stripe. */
static inline const int8_t *dot_rows(const int8_t *weights, const inputs_t *inputs, int32_t rows, int32_t *sums)
{
    const int32_t stride = rows / STRIPE * UNIT;
    weights += rows * HEAD_BYTES;
    for (int32_t row = 0; row < rows; row += STRIPE) {
        dot_stripe(weights + row / STRIPE * UNIT, stride, inputs, sums + row);
    }
    return weights + groups_of(inputs->columns) * stride;
}

static void requantize_block(const tz_fully_connected_s8_t *layer, int32_t row, const int32_t *sums, int8_t *output)
{
    requantize_rows(layer, row, BLOCK, sums, output);
}

static inline void prepare(inputs_t *inputs)
{
    (void)inputs;
}

#endif

/* ----------------------------------------------------------------------------------------------------- the layer */

/* A stripe, or what is left of one. */
static const int8_t *some_rows(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights,
                               const inputs_t *inputs, int8_t *output)
{
    int32_t sums[STRIPE];
    weights = dot_rows(weights, inputs, STRIPE, sums);
    requantize_rows(layer, row, smaller(layer->rows - row, STRIPE), sums, output);
    return weights;
}

static void one_row(const tz_fully_connected_s8_t *layer, int32_t row, const int8_t *weights, const int8_t *inputs,
                    int32_t columns, int8_t *output)
{
    int32_t sum = 0;
    for (int32_t column = 0; column < columns; ++column) {
        sum += weights[column] * inputs[column];
    }
    requantize_rows(layer, row, 1, &sum, output);
}

/* The layer: what a kernel does. */
static inline void fully_connected(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output,
                                   void *scratch)
{
    const int32_t columns = (layer->columns + PADDING - 1) / PADDING * PADDING;
    const int8_t *weights = layer->weights;
    inputs_t inputs = {scratch, (int8_t *)scratch + columns, layer->columns, 0};
    int32_t sums[BLOCK], row = 0;
    memset(inputs.values + columns - PADDING, 0, PADDING);
    memcpy(inputs.values, input, (size_t)layer->columns);
    prepare(&inputs);
    for (; row + BLOCK <= layer->rows; row += BLOCK) {
        weights = dot_rows(weights, &inputs, BLOCK, sums);
        requantize_block(layer, row, sums, output);
    }
    for (; row + LANES <= layer->rows; row += STRIPE) {
        weights = some_rows(layer, row, weights, &inputs, output);
    }
    for (; row < layer->rows; ++row, weights += columns) {
        one_row(layer, row, weights, inputs.values, columns, output);
    }
}

#endif
