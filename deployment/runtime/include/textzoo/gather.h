/* GATHER and EMBEDDING_LOOKUP: parts of a table at run-time indices, of any element type. */
#ifndef TEXTZOO_GATHER_H
#define TEXTZOO_GATHER_H

#include <stdint.h>

typedef struct {
    int32_t batches;     /* sets of tables, each with its own indices, >= 1 */
    int32_t outer;       /* tables of a batch one after the other, >= 1 */
    int32_t entries;     /* entries of each table, >= 1 */
    int32_t inner_bytes; /* bytes of an entry, >= 1 */
    int32_t count;       /* indices of a batch, >= 1 */
} tz_gather_t;

/* table: (batches, outer, entries, inner_bytes); indices: (batches, count), clamped to [0, entries);
 * output: (batches, outer, count, inner_bytes). */
void tz_gather(const tz_gather_t *gather, const void *table, const int32_t *indices, void *output);

typedef struct {
    const void *table; /* (batches, outer, entries) entries of int8, packed to w bits: each begins at a byte boundary */
    int32_t batches;   /* sets of tables, each with its own indices, >= 1 */
    int32_t outer;     /* tables of a batch one after the other, >= 1 */
    int32_t entries;    /* entries of each table, >= 1 */
    int32_t inner;     /* elements of an entry, >= 1 */
    int32_t count;     /* indices of a batch, >= 1 */
} tz_gather_packed_t;

/* indices: (batches, count), clamped to [0, entries); output: (batches, outer, count, inner) int8.
 * gather_w4: elements in [-8, 7], each + 8, two in a byte, the first in the lower bits.
 * gather_w2: elements in [-1, 1], each + 1, four in a byte, the first in the lowest bits. */
void tz_gather_w4(const tz_gather_packed_t *gather, const int32_t *indices, int8_t *output);
void tz_gather_w2(const tz_gather_packed_t *gather, const int32_t *indices, int8_t *output);

#endif
