#include "textzoo/cumsum.h"

void tz_cumsum_s64(const tz_cumsum_t *cumsum, const int64_t *input, int64_t *output)
{
    const int32_t first = cumsum->reverse ? (cumsum->places - 1) * cumsum->inner : 0;
    const int32_t step = cumsum->reverse ? -cumsum->inner : cumsum->inner;
    for (int32_t outer = 0; outer < cumsum->outer; ++outer) {
        for (int32_t inner = 0; inner < cumsum->inner; ++inner) {
            uint64_t sum = 0;
            for (int32_t i = 0; i < cumsum->places; ++i) {
                const int32_t place = first + inner + i * step;
                const uint64_t next = sum + (uint64_t)input[place];
                output[place] = (int64_t)(cumsum->exclusive ? sum : next);
                sum = next;
            }
        }
        input += cumsum->places * cumsum->inner;
        output += cumsum->places * cumsum->inner;
    }
}
