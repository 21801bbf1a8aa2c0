/* Cortex-M55 with the vector extension for integers (Helium): 16 columns of a row in one iteration of the loop.
 *
 * VLDRH widens four columns to int32, VMLA adds them times the weight. Sums wrap like the generic kernel's: the same
 * integers. */
#include "textzoo/weighted_sum_s16.h"

#include <arm_mve.h>

enum { LANES = 4, GROUP = 4 * LANES /* columns */ };

/* Sixteen columns of all rows. */
static void sum_group(const int16_t *row, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    for (; count > 0; --count, row += length) {
        const int32_t weight = *weights++;
        a = vmlaq_n_s32(a, vldrhq_s32(row), weight);
        b = vmlaq_n_s32(b, vldrhq_s32(row + LANES), weight);
        c = vmlaq_n_s32(c, vldrhq_s32(row + 2 * LANES), weight);
        d = vmlaq_n_s32(d, vldrhq_s32(row + 3 * LANES), weight);
    }
    vstrwq_s32(sums, a);
    vstrwq_s32(sums + LANES, b);
    vstrwq_s32(sums + 2 * LANES, c);
    vstrwq_s32(sums + 3 * LANES, d);
}

/* Four columns, or the last ones. */
static void sum_some(const int16_t *row, int32_t count, int32_t length, const int16_t *weights, int32_t columns,
                     int32_t *sums)
{
    const mve_pred16_t some = vctp32q((uint32_t)columns);
    int32x4_t sum = vdupq_n_s32(0);
    for (; count > 0; --count, row += length) {
        sum = vmlaq_n_s32(sum, vldrhq_z_s32(row, some), *weights++);
    }
    vstrwq_p_s32(sums, sum, some);
}

void tz_weighted_sum_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    int32_t column = 0;
    for (; column + GROUP <= length; column += GROUP) {
        sum_group(rows + column, count, length, weights, sums + column);
    }
    for (; column < length; column += LANES) {
        sum_some(rows + column, count, length, weights, length - column, sums + column);
    }
}
