/* UTF-8 to code points and back. */
#ifndef TEXTZOO_UTF8_H
#define TEXTZOO_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD, UTF8_MAX_BYTES = 4 };

/* The code point at bytes[*at], *at < count; moves *at behind it. What is not UTF-8 gives U+FFFD once per longest
 * beginning of a character ("maximal subpart" of the Unicode standard), as Python's decode("utf-8", "replace") does;
 * surrogates are not UTF-8. */
uint32_t utf8_decode(const char *bytes, size_t count, size_t *at);

/* Write a code point (below 0x110000) to bytes (UTF8_MAX_BYTES); returns how many were written. Surrogates are written
 * in the same scheme, as Python's "surrogatepass". */
size_t utf8_encode(uint32_t code_point, char *bytes);

/* How many bytes at the end of bytes (count) begin a character that more bytes could complete; 0 to UTF8_MAX_BYTES - 1.
 */
size_t utf8_incomplete(const char *bytes, size_t count);

#endif
