#include "textzoo/fixedpoint.h"
#include "textzoo/reduce.h"

void tz_reduce_s16(const tz_reduce_t *reduce, const int16_t *input, int16_t *output)
{
    for (int32_t outer = 0; outer < reduce->outer; ++outer) {
        for (int32_t inner = 0; inner < reduce->inner; ++inner) {
            int32_t sum = -reduce->offset;
            for (int32_t i = 0; i < reduce->reduced; ++i) {
                sum += input[i * reduce->inner + inner];
            }
            sum = tz_scale_double(sum, reduce->multiplier, (int)reduce->shift) + reduce->output_zero_point;
            *output++ = (int16_t)tz_clamp(sum, INT16_MIN, INT16_MAX);
        }
        input += reduce->reduced * reduce->inner;
    }
}
