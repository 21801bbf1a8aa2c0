#include "textzoo/gather_nd.h"

#include <stddef.h>
#include <string.h>

#include "textzoo/fixedpoint.h"

void tz_gather_nd(const tz_gather_nd_t *gather, const void *table, const int32_t *indices, void *output)
{
    const size_t bytes = (size_t)gather->inner_bytes;
    const uint8_t *source = (const uint8_t *)table;
    uint8_t *target = (uint8_t *)output;
    for (int32_t i = 0; i < gather->count; ++i, indices += gather->axes, target += bytes) {
        size_t entry = 0;
        for (int32_t axis = 0; axis < gather->axes; ++axis) {
            const int32_t size = gather->sizes[axis];
            entry = entry * (size_t)size + (size_t)tz_clamp(indices[axis], 0, size - 1);
        }
        memcpy(target, source + entry * bytes, bytes);
    }
}
