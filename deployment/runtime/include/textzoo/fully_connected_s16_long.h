/* FULLY_CONNECTED as in fully_connected_s16.h, for sums that 32 bits do not hold. */
#ifndef TEXTZOO_FULLY_CONNECTED_S16_LONG_H
#define TEXTZOO_FULLY_CONNECTED_S16_LONG_H

#include <stdint.h>

typedef struct {
    const int8_t *weights;          /* (rows, columns) */
    const int64_t *bias;            /* (rows) */
    const int32_t *multipliers;     /* (rows) */
    const int8_t *shifts;           /* (rows) */
    const int32_t *low_multipliers; /* (rows) what the multipliers lack, in 2^-31 */
    int32_t rows;                   /* outputs, >= 1 */
    int32_t columns;                /* inputs, >= 1 */
    int32_t minimum;                /* smallest output: the fused activation */
    int32_t maximum;                /* largest output */
} tz_fully_connected_s16_long_t;

/* input: (columns) int16; output: (rows) int16, not overlapping. Sums: int64, below 2^32. */
void tz_fully_connected_s16_long(const tz_fully_connected_s16_long_t *layer, const int16_t *input, int16_t *output);

#endif
