/* What the kernels of textzoo/arg_max.h share: all but the type, and which value is better. */
#ifndef TEXTZOO_FIRST_PLACE_H
#define TEXTZOO_FIRST_PLACE_H

#include "textzoo/arg_max.h"

/* The kernel `name`. type: of its input's elements; better: < or >.
 * input: (outer, places, inner); output: (outer, inner). */
#define TZ_FIRST_PLACE(name, type, better)                                                                             \
    void name(const tz_arg_max_t *arg_max, const type *input, int32_t *output)                                         \
    {                                                                                                                  \
        for (int32_t outer = 0; outer < arg_max->outer; ++outer) {                                                     \
            for (int32_t inner = 0; inner < arg_max->inner; ++inner) {                                                 \
                int32_t best = 0;                                                                                      \
                for (int32_t place = 1; place < arg_max->places; ++place) {                                            \
                    const type value = input[place * arg_max->inner + inner];                                          \
                    best = value better input[best * arg_max->inner + inner] ? place : best;                           \
                }                                                                                                      \
                *output++ = best;                                                                                      \
            }                                                                                                          \
            input += arg_max->places * arg_max->inner;                                                                 \
        }                                                                                                              \
    }

#endif
