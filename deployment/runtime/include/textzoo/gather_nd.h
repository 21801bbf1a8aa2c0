/* GATHER_ND: parts of a table at tuples of run-time indices, of any element type. */
#ifndef TEXTZOO_GATHER_ND_H
#define TEXTZOO_GATHER_ND_H

#include <stdint.h>

#define TZ_MAX_INDEXED_AXES 6

typedef struct {
    int32_t count;                      /* tuples, >= 1 */
    int32_t axes;                       /* indices of a tuple, [1, TZ_MAX_INDEXED_AXES] */
    int32_t sizes[TZ_MAX_INDEXED_AXES]; /* of the table's first axes, >= 1 each */
    int32_t inner_bytes;                /* bytes of a part, >= 1 */
} tz_gather_nd_t;

/* table: (sizes[0], ..., sizes[axes - 1], inner_bytes); indices: (count, axes), each clamped to its axis;
 * output: (count, inner_bytes). */
void tz_gather_nd(const tz_gather_nd_t *gather, const void *table, const int32_t *indices, void *output);

#endif
