/* Cortex-M55: four rows at a time, eight products per VMLADAVA of int16; rows are widened as they are loaded. Exact as
 * long as the sums fit int32, which the contract says. */
#include "textzoo/dot_rows_s8.h"

#include <arm_mve.h>

enum { ROWS = 4, GROUP = 8 };

static int32_t rest_of_row(const int8_t *row, const int16_t *vector, int32_t start, int32_t length)
{
    int32_t sum = 0;
    for (int32_t i = start; i < length; ++i) {
        sum += row[i] * vector[i];
    }
    return sum;
}

static void four_rows(const int8_t *rows, int32_t length, const int16_t *vector, int32_t *sums)
{
    const int8_t *a = rows, *b = rows + length, *c = rows + 2 * length, *d = rows + 3 * length;
    const int32_t groups = length / GROUP;
    int32_t sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
    for (int32_t group = 0; group < groups; ++group) {
        const int16x8_t elements = vldrhq_s16(vector + group * GROUP);
        sum_a = vmladavaq_s16(sum_a, vldrbq_s16(a), elements);
        sum_b = vmladavaq_s16(sum_b, vldrbq_s16(b), elements);
        sum_c = vmladavaq_s16(sum_c, vldrbq_s16(c), elements);
        sum_d = vmladavaq_s16(sum_d, vldrbq_s16(d), elements);
        a += GROUP, b += GROUP, c += GROUP, d += GROUP;
    }
    const int32_t whole = groups * GROUP;
    sums[0] = sum_a, sums[1] = sum_b, sums[2] = sum_c, sums[3] = sum_d;
    if (whole < length) {
        for (int32_t row = 0; row < ROWS; ++row) {
            sums[row] += rest_of_row(rows + row * length, vector, whole, length);
        }
    }
}

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    int32_t row = 0;
    for (; row + ROWS <= count; row += ROWS) {
        four_rows(rows + row * length, length, vector, sums + row);
    }
    for (; row < count; ++row) {
        sums[row] = rest_of_row(rows + row * length, vector, 0, length);
    }
}
