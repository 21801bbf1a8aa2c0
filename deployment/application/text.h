/* Strings with and without a terminating 0. */
#ifndef TEXTZOO_TEXT_H
#define TEXTZOO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes before the terminating 0. */
size_t text_length(const char *text);

/* Whether text (bytes) equals `name`, which ends with 0. */
bool text_is(const char *text, size_t bytes, const char *name);

/* Replace the escapes \n, \t and \\ of text (*bytes) by their characters, in place; *bytes becomes the new length.
 * Returns NULL, or the first backslash that does not begin one of them, after which nothing was changed. */
const char *text_unescape(char *text, size_t *bytes);

#endif
