#include "textzoo/gather.h"

#include <stddef.h>
#include <string.h>

#include "textzoo/fixedpoint.h"

void tz_gather(const tz_gather_t *gather, const void *table, const int32_t *indices, void *output)
{
    const size_t bytes = (size_t)gather->inner_bytes;
    const uint8_t *source = (const uint8_t *)table;
    uint8_t *target = (uint8_t *)output;
    for (int32_t batch = 0; batch < gather->batches; ++batch) {
        for (int32_t outer = 0; outer < gather->outer; ++outer) {
            for (int32_t i = 0; i < gather->count; ++i) {
                memcpy(target, source + (size_t)tz_clamp(indices[i], 0, gather->entries - 1) * bytes, bytes);
                target += bytes;
            }
            source += (size_t)gather->entries * bytes;
        }
        indices += gather->count;
    }
}
