/* 64-bit Arm cores, with the dot product of Armv8.2 or without: 128 or 64 columns of four rows at a time, the inputs in
 * registers for sixteen rows.
 *
 * Without SDOT, SMULL and SMLAL multiply eight columns and add to eight lanes of int16, each of which takes every eighth
 * column. Two products always fit (2 * 128 * 127 = 32512); SADALP then adds neighbouring lanes to int32, once for every
 * SMULL and SMLAL. For most inputs eight products fit too, and six of eight SADALP are saved: by Cauchy and Schwarz,
 *
 *   (sum of x w)^2 <= (sum of x^2) * (sum of w^2)
 *
 * also for every part of a sum, so that no lane leaves int16 if that product is at most 32767^2 for eight products of any
 * lane. The largest sum of w^2 is known for every four rows when compiling; the largest sum of x^2 is found once for all
 * rows.
 *
 * Weights: for every four rows the largest sum of eight squares, as int32, these padded with zeros to a multiple of 16
 * bytes; then row by row, columns padded with zeros to a multiple of 16, rows to a multiple of 4.
 * Scratch: the inputs, padded with zeros to a multiple of 16. */
#include "finish_rows.h"

enum {
    VECTOR = 16,  /* columns */
    CHUNK = 8,    /* vectors of inputs in registers, or half as many */
    SEGMENT = 64, /* columns, of which a lane of int16 takes eight products */
};
#define LARGEST_SQUARE (32767 * 32767)

/* The inputs as the kernel needs them. */
typedef struct {
    const int8_t *values; /* (columns) */
    int32_t columns;      /* a multiple of VECTOR */
    int32_t safe;         /* squares of weights up to which eight products fit a lane */
} tz_neon_inputs_t;

/* In assembly, because GCC copies registers whenever four are loaded at once. Products of a row of 64 or 128 columns;
 * LOAD leaves it in v24 to v31 and `row` at the next one. */
#define LOAD_64 "ld1 {v24.16b-v27.16b}, [%[row]], %[step]\n"
#define LOAD_128                                                                                                       \
    "ld1 {v24.16b-v27.16b}, [%[row]], #64\n"                                                                           \
    "ld1 {v28.16b-v31.16b}, [%[row]], %[step]\n"

#if defined(__ARM_FEATURE_DOTPROD)

#define DOT(sum, w, x) "sdot %[" sum "].4s, v" w ".16b, %[" x "].16b\n"
#define FIRST_FOUR(sum)                                                                                                \
    "movi %[" sum "].4s, #0\n" DOT(sum, "24", "x0") DOT(sum, "25", "x1") DOT(sum, "26", "x2") DOT(sum, "27", "x3")
#define LAST_FOUR(sum) DOT(sum, "28", "x4") DOT(sum, "29", "x5") DOT(sum, "30", "x6") DOT(sum, "31", "x7")
#define SAFE_FIRST_FOUR FIRST_FOUR
#define SAFE_LAST_FOUR LAST_FOUR

static int32_t largest_squares(const int8_t *inputs, int32_t columns)
{
    (void)inputs, (void)columns;
    return 0;
}

#else

#define MULTIPLY(multiply, w, x)                                                                                       \
    multiply " %[t].8h, v" w ".8b, %[" x "].8b\n"                                                                      \
             "smlal2 %[t].8h, v" w ".16b, %[" x "].16b\n"
#define TWO(add, sum, w, x) MULTIPLY("smull", w, x) add " %[" sum "].4s, %[t].8h\n"
#define FIRST_FOUR(sum)                                                                                                \
    TWO("saddlp", sum, "24", "x0") TWO("sadalp", sum, "25", "x1") TWO("sadalp", sum, "26", "x2")                       \
        TWO("sadalp", sum, "27", "x3")
#define LAST_FOUR(sum)                                                                                                 \
    TWO("sadalp", sum, "28", "x4") TWO("sadalp", sum, "29", "x5") TWO("sadalp", sum, "30", "x6")                       \
        TWO("sadalp", sum, "31", "x7")
#define EIGHT(add, sum, w0, x0, w1, x1, w2, x2, w3, x3)                                                                \
    MULTIPLY("smull", w0, x0) MULTIPLY("smlal", w1, x1) MULTIPLY("smlal", w2, x2) MULTIPLY("smlal", w3, x3)            \
    add " %[" sum "].4s, %[t].8h\n"
#define SAFE_FIRST_FOUR(sum) EIGHT("saddlp", sum, "24", "x0", "25", "x1", "26", "x2", "27", "x3")
#define SAFE_LAST_FOUR(sum) EIGHT("sadalp", sum, "28", "x4", "29", "x5", "30", "x6", "31", "x7")

/* The largest sum of the squares of eight inputs, eight columns apart. */
static int32_t largest_squares(const int8_t *inputs, int32_t columns)
{
    int32x4_t largest = vdupq_n_s32(0);
    for (int32_t start = 0; start < columns; start += SEGMENT) {
        const int32_t end = start + SEGMENT < columns ? start + SEGMENT : columns;
        int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
        for (int32_t column = start; column < end; column += VECTOR / 2) {
            const int8x8_t x = vld1_s8(inputs + column);
            const int16x8_t squares = vmull_s8(x, x);
            low = vaddw_s16(low, vget_low_s16(squares));
            high = vaddw_high_s16(high, squares);
        }
        largest = vmaxq_s32(largest, vmaxq_s32(low, high));
    }
    return vmaxvq_s32(largest);
}

#endif

#define ROW_64(sum) LOAD_64 FIRST_FOUR(sum)
#define ROW_128(sum) LOAD_128 FIRST_FOUR(sum) LAST_FOUR(sum)
#define SAFE_ROW_64(sum) LOAD_64 SAFE_FIRST_FOUR(sum)
#define SAFE_ROW_128(sum) LOAD_128 SAFE_FIRST_FOUR(sum) SAFE_LAST_FOUR(sum)
#define FOUR_ROWS(ROW)                                                                                                 \
    __asm__(ROW("a") ROW("b") ROW("c") ROW("d")                                                                        \
            : [row] "+r"(row), [a] "=&w"(a), [b] "=&w"(b), [c] "=&w"(c), [d] "=&w"(d), [t] "=&w"(t)                    \
            : [step] "r"(step), [x0] "w"(x[0]), [x1] "w"(x[1]), [x2] "w"(x[2]), [x3] "w"(x[3]), [x4] "w"(x[4]),        \
              [x5] "w"(x[5]), [x6] "w"(x[6]), [x7] "w"(x[7])                                                           \
            : "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory")

/* Four rows, `stride` bytes apart, of as many columns as the vectors have (8 or 4; all eight are defined); `safe`: eight
 * products fit a lane. */
INLINE int32x4_t dot_chunk(const int8_t *row, int64_t stride, const int8x16_t *x, int vectors, int safe)
{
    const int64_t step = vectors == CHUNK ? stride - CHUNK / 2 * VECTOR : stride;
    int32x4_t a, b, c, d;
    int16x8_t t;
    if (vectors == CHUNK && safe) {
        FOUR_ROWS(SAFE_ROW_128);
    } else if (vectors == CHUNK) {
        FOUR_ROWS(ROW_128);
    } else if (safe) {
        FOUR_ROWS(SAFE_ROW_64);
    } else {
        FOUR_ROWS(ROW_64);
    }
    return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

/* Sixteen columns of a row. */
INLINE int32x4_t dot_vector(const int8_t *row, int8x16_t x)
{
    const int8x16_t w = vld1q_s8(row);
    return vpaddlq_s16(vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x));
}

/* As many columns as `vectors` (8 or 4) have of up to sixteen rows, added to the sums. */
INLINE void add_chunk(const int8_t *rows, const int32_t *squares, const tz_neon_inputs_t *inputs, const int8_t *values,
                      int vectors, int fours, int32x4_t *sums)
{
    int8x16_t x[CHUNK];
    for (int i = 0; i < CHUNK; ++i) {
        x[i] = vld1q_s8(values + VECTOR * (i % vectors));
    }
#pragma GCC unroll 4
    for (int i = 0; i < fours; ++i, rows += LANES * inputs->columns) {
        const int32x4_t four = squares[i] <= inputs->safe ? dot_chunk(rows, inputs->columns, x, vectors, 1)
                                                          : dot_chunk(rows, inputs->columns, x, vectors, 0);
        sums[i] = vaddq_s32(sums[i], four);
    }
}

/* The same of 16 columns. */
INLINE void add_vector(const int8_t *rows, const tz_neon_inputs_t *inputs, const int8_t *values, int fours,
                       int32x4_t *sums)
{
    const int8x16_t x = vld1q_s8(values);
    const int32_t stride = inputs->columns;
    for (int i = 0; i < fours; ++i, rows += LANES * stride) {
        const int32x4_t ab = vpaddq_s32(dot_vector(rows, x), dot_vector(rows + stride, x));
        const int32x4_t cd = vpaddq_s32(dot_vector(rows + 2 * stride, x), dot_vector(rows + 3 * stride, x));
        sums[i] = vaddq_s32(sums[i], vpaddq_s32(ab, cd));
    }
}

/* Up to sixteen rows, added to the sums, four of them to a vector. */
INLINE void dot_block(const int8_t *rows, const int32_t *squares, const tz_neon_inputs_t *inputs, int fours,
                      int32x4_t *sums)
{
    int32_t column = 0;
    for (; column + CHUNK * VECTOR <= inputs->columns; column += CHUNK * VECTOR) {
        add_chunk(rows + column, squares, inputs, inputs->values + column, CHUNK, fours, sums);
    }
    if (column + SEGMENT <= inputs->columns) {
        add_chunk(rows + column, squares, inputs, inputs->values + column, CHUNK / 2, fours, sums);
        column += SEGMENT;
    }
    for (; column < inputs->columns; column += VECTOR) {
        add_vector(rows + column, inputs, inputs->values + column, fours, sums);
    }
}

void tz_fully_connected_s8(const tz_fully_connected_s8_t *given, const int8_t *input, int8_t *output, void *scratch)
{
    /* A copy, because the compiler must assume that the assembly changes the struct. */
    const tz_fully_connected_s8_t copy = *given, *const layer = &copy;
    const int32_t columns = (layer->columns + VECTOR - 1) / VECTOR * VECTOR;
    const int32_t *squares = layer->weights;
    const int8_t *rows = (const int8_t *)layer->weights + (layer->rows + BLOCK - 1) / BLOCK * VECTOR;
    int8_t *const values = scratch;
    int32_t row = 0;
    memset(values + columns - VECTOR, 0, VECTOR);
    memcpy(values, input, (size_t)layer->columns);
    const tz_neon_inputs_t inputs = {values, columns, LARGEST_SQUARE / (largest_squares(values, columns) + 1)};
    for (; row + BLOCK <= layer->rows; row += BLOCK, rows += BLOCK * columns, squares += BLOCK / LANES) {
        int32x4_t sums[BLOCK / LANES];
        for (int i = 0; i < BLOCK / LANES; ++i) {
            sums[i] = vld1q_s32(layer->bias + row + LANES * i);
        }
        dot_block(rows, squares, &inputs, BLOCK / LANES, sums);
        requantize_block(layer, row, sums, output);
    }
    if (row < layer->rows) {
        const int32_t left = layer->rows - row;
        int32_t each[BLOCK] = {0};
        int32x4_t sums[BLOCK / LANES];
        memcpy(each, layer->bias + row, (size_t)left * sizeof *each);
        memcpy(sums, each, sizeof sums);
        dot_block(rows, squares, &inputs, (left + LANES - 1) / LANES, sums);
        memcpy(each, sums, sizeof each);
        requantize_rows(layer, row, left, each, output);
    }
}
