/* Cortex-M55 with the vector extension for integers (Helium): two rows by 8 columns in one iteration of the loop.
 *
 * VMLALDAVA adds 8 products of int16 to 64 bits, which is exact. The last columns are predicated: lanes beyond are 0. */
#include "textzoo/dot_rows_s16.h"

#include <arm_mve.h>

enum { GROUP = 8 /* columns in a vector */ };

typedef struct {
    int64_t first, second;
} tz_two_sums_t;

static inline tz_two_sums_t dot_two_rows(const int16_t *row, const int16_t *other, const int16_t *vector,
                                         int32_t length)
{
    tz_two_sums_t sums = {0, 0};
    for (; length >= GROUP; length -= GROUP, row += GROUP, other += GROUP, vector += GROUP) {
        const int16x8_t lanes = vldrhq_s16(vector);
        sums.first = vmlaldavaq_s16(sums.first, vldrhq_s16(row), lanes);
        sums.second = vmlaldavaq_s16(sums.second, vldrhq_s16(other), lanes);
    }
    if (length > 0) {
        const mve_pred16_t some = vctp16q((uint32_t)length);
        const int16x8_t lanes = vldrhq_z_s16(vector, some);
        sums.first = vmlaldavaq_s16(sums.first, vldrhq_z_s16(row, some), lanes);
        sums.second = vmlaldavaq_s16(sums.second, vldrhq_z_s16(other, some), lanes);
    }
    return sums;
}

void tz_dot_rows_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *vector, tz_wide_scale_t scale,
                     int16_t *scores)
{
    for (; count > 0; count -= 2, rows += 2 * length, scores += 2) {
        const tz_two_sums_t sums = dot_two_rows(rows, count > 1 ? rows + length : rows, vector, length);
        scores[0] = tz_scaled_s16(sums.first, scale);
        if (count > 1) {
            scores[1] = tz_scaled_s16(sums.second, scale);
        }
    }
}
