#include "textzoo/weighted_sum_s16.h"

void tz_weighted_sum_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *weights, int32_t *sums)
{
    for (int32_t i = 0; i < length; ++i) {
        sums[i] = 0;
    }
    for (int32_t row = 0; row < count; ++row) {
        for (int32_t i = 0; i < length; ++i) {
            sums[i] += weights[row] * rows[i];
        }
        rows += length;
    }
}
