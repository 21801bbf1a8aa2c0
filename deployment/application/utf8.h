/* UTF-8 to code points and back. */
#ifndef TEXTZOO_UTF8_H
#define TEXTZOO_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT UINT32_C(0xFFFD)
enum { UTF8_MAX_BYTES = 4 };

/* The code point at bytes[*at], *at < count; moves *at past it. Invalid UTF-8, surrogates included, gives U+FFFD once
 * per longest beginning of a character ("maximal subpart" of the Unicode standard), as Python's
 * decode("utf-8", "replace") does. */
uint32_t utf8_decode(const char *bytes, size_t count, size_t *at);

/* Write a code point (below 0x110000) to bytes (UTF8_MAX_BYTES); returns the number of bytes. Surrogates are encoded in
 * the same way, as by Python's "surrogatepass". */
size_t utf8_encode(uint32_t code_point, char *bytes);

/* The number of bytes at the end of bytes (count) that begin an incomplete character; 0 to UTF8_MAX_BYTES - 1. */
size_t utf8_incomplete(const char *bytes, size_t count);

#endif
