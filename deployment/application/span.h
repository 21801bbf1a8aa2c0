/* Spans of the input: whole words of what the user said, as they stand there, in a string of JSON; textzoo.grammars.spans
 * in C, where they are defined. Only in a project whose grammar has them. There is one input and one span at a time. */
#ifndef TEXTZOO_SPAN_H
#define TEXTZOO_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an escaped input; of a longer one its end counts. A position in it, its end included, is a byte below 255. */
#define SPAN_MAX_BYTES 254

/* Take an input (bytes) of any text: the shortest ways to the ends of its spans are computed now, once. */
void span_read(const char *input, size_t bytes);

/* Tokens of the shortest span. */
uint32_t span_shortest(void);

/* Begin a span. */
void span_begin(void);

/* Whether the span may end here; at its beginning only if the input has no span but the empty one. */
bool span_may_end(void);

/* Add to allowed (a bit for each token) those with which the span goes on and can end within `most` tokens behind them. */
void span_allow(uint8_t *allowed, int32_t most);

/* Go on behind a token; false if the span cannot go on with it: it ends before. */
bool span_advance(int32_t token);

#endif
