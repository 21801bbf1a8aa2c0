/* Xtensa, RV32 and other cores with a multiplier of 32 bits but no vectors: two MACs in a multiplication where the
 * weights are small.
 *
 * Most weights of attention are 0 after rounding: such rows are left out first. A word of four values, each + 128 (an
 * XOR does it), is W = u0 + 2^8 u1 + 2^16 u2 + 2^24 u3; all of what follows is modulo 2^32. s0 to s3 are the sums of u0
 * to u3 times the weights: they exceed the result by 128 * (sum of the weights), which is subtracted at the end.
 *
 * Weights that add up to at most 257: with E = u0 + 2^16 u2 and O = u1 + 2^16 u3, which a shift and a mask extract,
 * W = E + 2^8 O. No s exceeds 257 * 255 = 2^16 - 1: the sum of O times the weights is s1 + 2^16 s3 with both halves in
 * place, that of E is s0 + 2^16 s2, and is the sum of W less 2^8 times the sum of O, so that E need not be masked out.
 *
 * Other weights: the sums of W, W >> 8, W >> 16 and W >> 24 times the weights. As W >> 8 = u1 + 2^8 (W >> 16), and so
 * on, s1 is the second less 2^8 times the third. No mask is needed. The s lie in [0, 2^32), as the weights add up to
 * less than 2^24. */
#include "textzoo/weighted_sum_s8.h"

#include <string.h>

#include "../internal/remaining_rows.h"

enum {
    TERMS = 32, /* rows in a chunk */
    WORD = 4,   /* columns */
    SMALL = 257 /* sum of the weights */
};
#define MASK 0x00FF00FFu
#define SIGNS 0x80808080u

/* A row whose weight is not 0. */
typedef struct {
    const int8_t *row;
    uint32_t weight;
} tz_term_t;

typedef struct {
    tz_term_t terms[TERMS]; /* (end - terms) */
    const tz_term_t *end;
    uint32_t total; /* of the weights */
} tz_term_chunk_t;

static void select_terms(tz_remaining_rows_t *remaining, int32_t length, tz_term_chunk_t *chunk)
{
    const int8_t *row = remaining->row;
    const int16_t *weight = remaining->weight, *const end = remaining->end;
    tz_term_t *term = chunk->terms;
    uint32_t total = 0;
    for (; weight != end && term != chunk->terms + TERMS; row += length, ++weight) {
        if (*weight) {
            const uint32_t value = (uint16_t)*weight;
            *term++ = (tz_term_t){row, value};
            total += value;
        }
    }
    *remaining = (tz_remaining_rows_t){row, weight, end};
    chunk->end = term;
    chunk->total = total;
}

/* The values at a multiple of 4 bytes, each + 128. */
static inline uint32_t load_values(const int8_t *values)
{
    uint32_t word;
    memcpy(&word, __builtin_assume_aligned(values, WORD), sizeof word);
    return word ^ SIGNS;
}

static inline void add_sum(int32_t *sum, uint32_t s, uint32_t too_much)
{
    *sum = (int32_t)((uint32_t)*sum + s - too_much);
}

/* Four columns, from the sums of W and O. */
static inline void add_halves(int32_t *sums, uint32_t all, uint32_t odd, uint32_t too_much)
{
    const uint32_t even = all - (odd << 8);
    add_sum(sums, even & 0xFFFFu, too_much);
    add_sum(sums + 1, odd & 0xFFFFu, too_much);
    add_sum(sums + 2, even >> 16, too_much);
    add_sum(sums + 3, odd >> 16, too_much);
}

/* Eight columns, small weights. */
__attribute__((noinline)) static void add_two_words(const tz_term_chunk_t *chunk, int32_t column, int32_t *sums)
{
    uint32_t all0 = 0, odd0 = 0, all1 = 0, odd1 = 0;
    for (const tz_term_t *term = chunk->terms, *const end = chunk->end; term != end; ++term) {
        const int8_t *const values = term->row + column;
        const uint32_t weight = term->weight, word0 = load_values(values), word1 = load_values(values + WORD);
        all0 += word0 * weight;
        odd0 += (word0 >> 8 & MASK) * weight;
        all1 += word1 * weight;
        odd1 += (word1 >> 8 & MASK) * weight;
    }
    const uint32_t too_much = 128 * chunk->total;
    add_halves(sums, all0, odd0, too_much);
    add_halves(sums + WORD, all1, odd1, too_much);
}

/* Four columns, any weights. */
__attribute__((noinline)) static void add_word(const tz_term_chunk_t *chunk, int32_t column, int32_t *sums)
{
    uint32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (const tz_term_t *term = chunk->terms, *const end = chunk->end; term != end; ++term) {
        const uint32_t word = load_values(term->row + column), weight = term->weight;
        sum0 += word * weight;
        sum1 += (word >> 8) * weight;
        sum2 += (word >> 16) * weight;
        sum3 += (word >> 24) * weight;
    }
    const uint32_t too_much = 128 * chunk->total;
    add_sum(sums, sum0 - (sum1 << 8), too_much);
    add_sum(sums + 1, sum1 - (sum2 << 8), too_much);
    add_sum(sums + 2, sum2 - (sum3 << 8), too_much);
    add_sum(sums + 3, sum3, too_much);
}

static int32_t add_column(const tz_term_chunk_t *chunk, int32_t column, int32_t sum)
{
    for (const tz_term_t *term = chunk->terms, *const end = chunk->end; term != end; ++term) {
        sum += (int32_t)term->weight * term->row[column];
    }
    return sum;
}

/* All columns; their number is a multiple of 4, as are the addresses. */
static void add_words(const tz_term_chunk_t *chunk, int32_t length, int32_t *sums)
{
    int32_t column = 0;
    for (; chunk->total <= SMALL && column + 2 * WORD <= length; column += 2 * WORD) {
        add_two_words(chunk, column, sums + column);
    }
    for (; column < length; column += WORD) {
        add_word(chunk, column, sums + column);
    }
}

static void add_bytes(const tz_term_chunk_t *chunk, int32_t length, int32_t *sums)
{
    for (int32_t column = 0; column < length; ++column) {
        sums[column] = add_column(chunk, column, sums[column]);
    }
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    const int aligned = (((uintptr_t)rows | (uintptr_t)length) & (WORD - 1)) == 0;
    tz_term_chunk_t chunk;
    tz_remaining_rows_t remaining = {rows, weights, weights + count};
    for (int32_t column = 0; column < length; ++column) {
        sums[column] = 0;
    }
    while (remaining.weight != remaining.end) {
        select_terms(&remaining, length, &chunk);
        if (aligned) {
            add_words(&chunk, length, sums);
        } else {
            add_bytes(&chunk, length, sums);
        }
    }
}
