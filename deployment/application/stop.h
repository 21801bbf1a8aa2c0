/* Where a stop text begins in bytes that come in portions: textzoo.engines.generate.until_stop in C. However the
 * portions split the text, the same bytes come out, each as soon as it cannot belong to the stop text any more. */
#ifndef TEXTZOO_STOP_H
#define TEXTZOO_STOP_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol.h"

enum { STOP_MAX_HELD = PROTOCOL_STOP_BYTES - 1 }; /* bytes that wait for what follows */

typedef struct {
    const char *text; /* (bytes) the stop text, not copied */
    size_t bytes;     /* 0 to PROTOCOL_STOP_BYTES; 0 for none, which is never found */
    size_t held;      /* how many bytes at the end of what came are the beginning of `text`; all of them: it was found */
} stop_t;

void stop_init(stop_t *stop, const char *text, size_t bytes);

/* Take a portion (count); write the bytes that have become certain to `certain` (count + STOP_MAX_HELD) and return how
 * many. Where the stop text was found, nothing of it or of what stands behind it comes out. The portion may lie in the
 * same buffer, at certain + STOP_MAX_HELD or behind. */
size_t stop_feed(stop_t *stop, const char *portion, size_t count, char *certain);

bool stop_found(const stop_t *stop);

/* Nothing more will come: write the bytes still held back to `certain` (STOP_MAX_HELD) and return how many; none where
 * the stop text was found. */
size_t stop_end(stop_t *stop, char *certain);

#endif
