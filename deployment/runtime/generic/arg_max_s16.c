#include "textzoo/arg_max.h"

void tz_arg_max_s16(const tz_arg_max_t *arg_max, const int16_t *input, int32_t *output)
{
    for (int32_t outer = 0; outer < arg_max->outer; ++outer) {
        for (int32_t inner = 0; inner < arg_max->inner; ++inner) {
            int32_t best = 0;
            for (int32_t place = 1; place < arg_max->places; ++place) {
                best = input[place * arg_max->inner + inner] > input[best * arg_max->inner + inner] ? place : best;
            }
            *output++ = best;
        }
        input += arg_max->places * arg_max->inner;
    }
}
