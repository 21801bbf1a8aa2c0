/* ONE_HOT: one position of an axis has another value than all others, of any element type. */
#ifndef TEXTZOO_ONE_HOT_H
#define TEXTZOO_ONE_HOT_H

#include <stdint.h>

typedef struct {
    int32_t outer, depth, inner; /* the output's three axes, >= 1 each */
    int32_t element_bytes;       /* 1, 4 or 8 */
} tz_one_hot_t;

/* indices: (outer, inner), of positions on the axis `depth`; those outside of it set nothing. value: one element;
 * output: (outer, depth, inner) elements, which hold the other value already. */
void tz_one_hot(const tz_one_hot_t *one_hot, const int32_t *indices, const void *value, void *output);

#endif
