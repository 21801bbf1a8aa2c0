/* Texts with and without an ending 0. */
#ifndef TEXTZOO_TEXT_H
#define TEXTZOO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes before the ending 0. */
size_t text_length(const char *text);

/* Whether text (bytes) reads as `name`, which ends with 0. */
bool text_is(const char *text, size_t bytes, const char *name);

/* Replace the escapes \n, \t and \\ of text (*bytes) by what they mean, in place; *bytes becomes the new length. NULL,
 * or the position of the first backslash that begins none of them, behind which nothing was changed. */
const char *text_unescape(char *text, size_t *bytes);

#endif
