/* Cortex-M55: sixteen columns at a time, their sums as int32 in four vectors. Exact as long as the sums fit int32, which
 * the contract says. */
#include "textzoo/weighted_sum_s8.h"

#include <arm_mve.h>

enum { COLUMNS = 16, LANES = 4 };

static void sixteen_columns(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    for (int32_t row = 0; row < count; ++row) {
        const int32_t weight = weights[row];
        a = vmlaq_n_s32(a, vldrbq_s32(rows), weight);
        b = vmlaq_n_s32(b, vldrbq_s32(rows + LANES), weight);
        c = vmlaq_n_s32(c, vldrbq_s32(rows + 2 * LANES), weight);
        d = vmlaq_n_s32(d, vldrbq_s32(rows + 3 * LANES), weight);
        rows += length;
    }
    vstrwq_s32(sums, a);
    vstrwq_s32(sums + LANES, b);
    vstrwq_s32(sums + 2 * LANES, c);
    vstrwq_s32(sums + 3 * LANES, d);
}

void tz_weighted_sum_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t column = 0;
    for (; column + COLUMNS <= length; column += COLUMNS) {
        sixteen_columns(rows + column, count, length, weights, sums + column);
    }
    for (; column < length; ++column) {
        sums[column] = 0;
        for (int32_t row = 0; row < count; ++row) {
            sums[column] += weights[row] * rows[row * length + column];
        }
    }
}
