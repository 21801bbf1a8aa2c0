#include "textzoo/dot_rows_s8.h"

void tz_dot_rows_s8(const int8_t *rows, int32_t count, int32_t length, const int16_t *vector, int32_t *sums)
{
    for (int32_t row = 0; row < count; ++row) {
        int32_t sum = 0;
        for (int32_t i = 0; i < length; ++i) {
            sum += (int32_t)rows[i] * vector[i];
        }
        sums[row] = sum;
        rows += length;
    }
}
