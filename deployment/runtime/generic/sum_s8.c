#include "textzoo/reduce.h"

void tz_sum_s8(const tz_reduce_t *reduce, const int8_t *input, int8_t *output)
{
    for (int32_t outer = 0; outer < reduce->outer; ++outer) {
        for (int32_t inner = 0; inner < reduce->inner; ++inner) {
            uint32_t sum = 0;
            for (int32_t i = 0; i < reduce->reduced; ++i) {
                sum += (uint8_t)input[i * reduce->inner + inner];
            }
            *output++ = (int8_t)tz_clamp(tz_finish_reduction(reduce, sum), 0, UINT8_MAX);
        }
        input += reduce->reduced * reduce->inner;
    }
}
