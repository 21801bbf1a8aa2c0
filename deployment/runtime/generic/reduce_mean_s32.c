#include "textzoo/reduce_plain.h"

void tz_reduce_mean_s32(const tz_reduce_plain_t *reduce, const int32_t *input, int32_t *output)
{
    for (int32_t outer = 0; outer < reduce->outer; ++outer) {
        for (int32_t inner = 0; inner < reduce->inner; ++inner) {
            uint64_t sum = 0;
            for (int32_t i = 0; i < reduce->reduced; ++i) {
                sum += (uint64_t)input[i * reduce->inner + inner];
            }
            *output++ = (int32_t)((int64_t)sum / reduce->reduced);
        }
        input += reduce->reduced * reduce->inner;
    }
}
