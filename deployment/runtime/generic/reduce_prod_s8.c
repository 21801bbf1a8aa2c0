#include "textzoo/reduce_prod.h"

void tz_reduce_prod_s8(const tz_reduce_prod_t *reduce, const int8_t *input, int8_t *output)
{
    for (int32_t outer = 0; outer < reduce->outer; ++outer) {
        for (int32_t inner = 0; inner < reduce->inner; ++inner) {
            int32_t product = input[inner] - reduce->zero_point;
            for (int32_t i = 1; i < reduce->reduced; ++i) {
                product = tz_next_product(reduce, product, input[i * reduce->inner + inner]);
            }
            *output++ = (int8_t)tz_clamp(tz_finish_product(reduce, product), INT8_MIN, INT8_MAX);
        }
        input += reduce->reduced * reduce->inner;
    }
}
