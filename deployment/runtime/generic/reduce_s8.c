#include "textzoo/fixedpoint.h"
#include "textzoo/reduce.h"

void tz_reduce_s8(const tz_reduce_t *reduce, const int8_t *input, int8_t *output)
{
    for (int32_t outer = 0; outer < reduce->outer; ++outer) {
        for (int32_t inner = 0; inner < reduce->inner; ++inner) {
            int32_t sum = -reduce->offset;
            for (int32_t i = 0; i < reduce->reduced; ++i) {
                sum += input[i * reduce->inner + inner];
            }
            sum = tz_scale_double(sum, reduce->multiplier, (int)reduce->shift) + reduce->output_zero_point;
            *output++ = (int8_t)tz_clamp(sum, INT8_MIN, INT8_MAX);
        }
        input += reduce->reduced * reduce->inner;
    }
}
