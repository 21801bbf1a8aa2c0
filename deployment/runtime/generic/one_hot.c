#include "textzoo/one_hot.h"

#include <stddef.h>
#include <string.h>

void tz_one_hot(const tz_one_hot_t *one_hot, const int32_t *indices, const void *value, void *output)
{
    const size_t bytes = (size_t)one_hot->element_bytes, inner = (size_t)one_hot->inner;
    uint8_t *target = (uint8_t *)output;
    for (int32_t outer = 0; outer < one_hot->outer; ++outer) {
        for (size_t i = 0; i < inner; ++i) {
            const int32_t index = *indices++;
            if (index >= 0 && index < one_hot->depth) {
                memcpy(target + ((size_t)index * inner + i) * bytes, value, bytes);
            }
        }
        target += (size_t)one_hot->depth * inner * bytes;
    }
}
