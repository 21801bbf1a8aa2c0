/* SOFTMAX over the last axis. Bit for bit LiteRT's reference, whose exponentials depend only on the distance from the
 * largest value and on constants of the model: for int8 they are a table, made when compiling. */
#ifndef TEXTZOO_SOFTMAX_H
#define TEXTZOO_SOFTMAX_H

#include <stdint.h>

/* int8 to int8, scale 1/256, zero point -128; or to int16, scale 1/65536, zero point -32768. */
typedef struct {
    const int32_t *exponentials; /* (distances) exp(-distance * scale * beta), 31 fraction bits */
    int32_t distances;           /* [1, 256]; values further below the largest one count as 0 */
    int32_t rows, columns;       /* of input and output, >= 1 each; at most 4095 columns */
} tz_softmax_s8_t;

/* int16 to int16, scale 1/32768, zero point 0. */
typedef struct {
    const int16_t *exponentials; /* (513) exp over [-10, 0] */
    const int16_t *reciprocals;  /* (513) 1 / (1 + x) over [0, 1] */
    int32_t multiplier, shift;   /* from the input's scale to 10 / 65535 */
    int32_t rows, columns;
} tz_softmax_s16_t;

/* input, output: (rows, columns); may be the same memory where the types are the same. */
void tz_softmax_s8(const tz_softmax_s8_t *softmax, const int8_t *input, int8_t *output);
void tz_softmax_s8_s16(const tz_softmax_s8_t *softmax, const int8_t *input, int16_t *output);
void tz_softmax_s16(const tz_softmax_s16_t *softmax, const int16_t *input, int16_t *output);

/* The same for shifts of 15 to 31, by which distances from the largest value leave 32 bits: they wrap around, as LiteRT's
 * do, so that some of those far away count as near. */
void tz_softmax_s16_wrapping(const tz_softmax_s16_t *softmax, const int16_t *input, int16_t *output);

#endif
