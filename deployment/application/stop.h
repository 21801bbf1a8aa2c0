/* Finds a stop text in bytes that arrive in portions: textzoo.engines.generate.until_stop in C. The output does not
 * depend on how the portions split the text; each byte is output as soon as it cannot be part of the stop text. */
#ifndef TEXTZOO_STOP_H
#define TEXTZOO_STOP_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol.h"

enum { STOP_MAX_HELD = PROTOCOL_STOP_BYTES - 1 }; /* bytes that wait for what follows */

typedef struct {
    const char *text; /* (bytes) the stop text, not copied */
    size_t bytes;     /* 0 to PROTOCOL_STOP_BYTES; 0 for none, which is never found */
    size_t held;      /* length of the end of the input that is a beginning of `text`; `bytes` once it was found */
} stop_t;

void stop_init(stop_t *stop, const char *text, size_t bytes);

/* Process a portion (count); write the final bytes to `certain` (count + STOP_MAX_HELD) and return their number. Once
 * the stop text was found, neither it nor later bytes are written. The portion may be in the same buffer, at
 * certain + STOP_MAX_HELD or later. */
size_t stop_feed(stop_t *stop, const char *portion, size_t count, char *certain);

bool stop_found(const stop_t *stop);

/* End of the input: write the held bytes to `certain` (STOP_MAX_HELD) and return their number; none if the stop text
 * was found. */
size_t stop_end(stop_t *stop, char *certain);

#endif
