/* Shared by look-ups in packed tables: all but the number of bits. */
#ifndef TEXTZOO_PACKED_ENTRIES_H
#define TEXTZOO_PACKED_ENTRIES_H

#include <stddef.h>

#include "textzoo/fixedpoint.h"
#include "textzoo/gather.h"

/* entry: (count) unsigned fields of some bits, the first in the lowest ones; output: (count), less `offset` each. */
static inline void unpack_entry(const uint8_t *entry, int32_t count, int32_t bits, int32_t offset, int8_t *output)
{
    const int32_t fields = 8 / bits, mask = (1 << bits) - 1;
    for (int32_t i = 0; i < count; ++i) {
        output[i] = (int8_t)((entry[i / fields] >> i % fields * bits & mask) - offset);
    }
}

static inline void gather_entries(const tz_gather_packed_t *gather, const int32_t *indices, int32_t bits,
                                  int32_t offset, int8_t *output)
{
    const int32_t fields = 8 / bits;
    const size_t entry_bytes = (size_t)((gather->inner + fields - 1) / fields);
    const uint8_t *table = (const uint8_t *)gather->table;
    for (int32_t batch = 0; batch < gather->batches; ++batch) {
        for (int32_t outer = 0; outer < gather->outer; ++outer) {
            for (int32_t i = 0; i < gather->count; ++i, output += gather->inner) {
                const size_t index = (size_t)tz_clamp(indices[i], 0, gather->entries - 1);
                unpack_entry(table + index * entry_bytes, gather->inner, bits, offset, output);
            }
            table += (size_t)gather->entries * entry_bytes;
        }
        indices += gather->count;
    }
}

#endif
