#include "textzoo/dot_rows_s16.h"

void tz_dot_rows_s16(const int16_t *rows, int32_t count, int32_t length, const int16_t *vector, tz_wide_scale_t scale,
                     int16_t *scores)
{
    for (int32_t row = 0; row < count; ++row) {
        int64_t sum = 0;
        for (int32_t i = 0; i < length; ++i) {
            sum += (int32_t)rows[i] * vector[i];
        }
        scores[row] = tz_scaled_s16(sum, scale);
        rows += length;
    }
}
