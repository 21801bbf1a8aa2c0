/* Encodes the standard input, decodes every token, and prints the number of tokens and bytes (tokenizer_cost.py). */
#include <stdio.h>

#include "tokenizer.h"

static char bytes[1 << 20];

int main(void)
{
    char decoded[TOKENIZER_MAX_TOKEN_BYTES];
    const size_t count = fread(bytes, 1, sizeof bytes, stdin);
    size_t written = 0;
    long tokens = 0;
    tokenizer_text_t text;
    tokenizer_open(&text, bytes, count);
    for (int32_t token = tokenizer_encode(&text); token != TOKENIZER_END; token = tokenizer_encode(&text)) {
        ++tokens;
        written += token < 0 ? 0 : tokenizer_decode(token, decoded);
    }
    printf("%ld %zu\n", tokens, written);
    return 0;
}
