/* GATHER and EMBEDDING_LOOKUP: parts of a table at run-time indices, of any element type. */
#ifndef TEXTZOO_GATHER_H
#define TEXTZOO_GATHER_H

#include <stdint.h>

typedef struct {
    int32_t outer;       /* tables one after the other, >= 1 */
    int32_t places;      /* entries of each table, >= 1 */
    int32_t inner_bytes; /* bytes of an entry, >= 1 */
    int32_t count;       /* indices, >= 1 */
} tz_gather_t;

/* table: (outer, places, inner_bytes); indices: (count), clamped to [0, places); output: (outer, count, inner_bytes). */
void tz_gather(const tz_gather_t *gather, const void *table, const int32_t *indices, void *output);

#endif
