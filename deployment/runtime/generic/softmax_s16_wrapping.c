#include "softmax_s16.h"

static int32_t exponential_of(const tz_softmax_s16_t *softmax, int32_t distance)
{
    const int32_t scaled = tz_scale_double(distance, softmax->multiplier, (int)softmax->shift) + INT16_MAX;
    return tz_interpolate(softmax->exponentials, tz_clamp(scaled, INT16_MIN, INT16_MAX));
}

void tz_softmax_s16_wrapping(const tz_softmax_s16_t *softmax, const int16_t *input, int16_t *output)
{
    softmax_rows(softmax, input, output, exponential_of);
}
