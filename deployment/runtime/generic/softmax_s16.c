#include "softmax_s16.h"

void tz_softmax_s16(const tz_softmax_s16_t *softmax, const int16_t *input, int16_t *output)
{
    softmax_rows(softmax, input, output, tz_exponential_s16);
}
