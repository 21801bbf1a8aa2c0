/* What the kernels of textzoo/reduce_plain.h share: all but the type, and how a result and the next value make the next
 * result. */
#ifndef TEXTZOO_FOLD_AXIS_H
#define TEXTZOO_FOLD_AXIS_H

#include "textzoo/reduce_plain.h"

/* The kernel `name`. type: of its elements; next: an expression of `result` and `value`.
 * input: (outer, reduced, inner); output: (outer, inner). */
#define TZ_FOLD_AXIS(name, type, next)                                                                                 \
    void name(const tz_reduce_plain_t *reduce, const type *input, type *output)                                        \
    {                                                                                                                  \
        for (int32_t outer = 0; outer < reduce->outer; ++outer) {                                                      \
            for (int32_t inner = 0; inner < reduce->inner; ++inner) {                                                  \
                type result = input[inner];                                                                            \
                for (int32_t i = 1; i < reduce->reduced; ++i) {                                                        \
                    const type value = input[i * reduce->inner + inner];                                               \
                    result = (type)(next);                                                                             \
                }                                                                                                      \
                *output++ = result;                                                                                    \
            }                                                                                                          \
            input += reduce->reduced * reduce->inner;                                                                  \
        }                                                                                                              \
    }

#endif
