/* Shared by the variants of weighted_sum_s8.h that skip rows whose weight is 0. */
#ifndef TEXTZOO_REMAINING_ROWS_H
#define TEXTZOO_REMAINING_ROWS_H

#include <stdint.h>

/* Rows that are still to be examined. */
typedef struct {
    const int8_t *row;           /* the next one */
    const int16_t *weight, *end; /* its weight, and behind the weight of the last one */
} tz_remaining_rows_t;

#endif
