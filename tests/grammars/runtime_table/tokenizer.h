/* What span.c needs of a tokenizer, with tokens that a test sets while it runs. */
#ifndef TEXTZOO_TOKENIZER_H
#define TEXTZOO_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#define TOKENIZER_VOCABULARY_SIZE VOCABULARY_SIZE
#define TOKENIZER_UNKNOWN_TOKEN unknown_token
#define TOKENIZER_MAX_TOKEN_BYTES 32

extern int32_t unknown_token;

size_t tokenizer_decode(int32_t token, char *bytes);

#endif
