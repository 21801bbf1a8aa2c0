/* Encodes texts from standard input and writes their tokens, and what the tokens are decoded to, to standard output.
 * Input: per text its size (uint32) and bytes. Output: per text int32 tokens, -1, size (int32) and bytes of the decoded
 * text. Every text lies in memory of its own size, so that a sanitizer sees every step past its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer.h"

static void put_number(int32_t number)
{
    fwrite(&number, sizeof number, 1, stdout);
}

static void put_text(const char *bytes, size_t count)
{
    char *decoded = malloc(count * 4 * TOKENIZER_MAX_TOKEN_BYTES + 1);
    size_t written = 0;
    tokenizer_text_t text;
    tokenizer_open(&text, bytes, count);
    for (;;) {
        tokenizer_text_t copy = text; /* goes on where the original stands */
        const int32_t token = tokenizer_encode(&text);
        if (tokenizer_encode(&copy) != token || memcmp(&copy, &text, sizeof copy) != 0 || text.at > count ||
            (token != TOKENIZER_END && text.start >= text.at)) {
            abort();
        }
        put_number(token);
        if (token == TOKENIZER_END) {
            break;
        }
        if (token >= 0) {
            char *bytes_of_token = malloc(TOKENIZER_MAX_TOKEN_BYTES);
            const size_t size = tokenizer_decode(token, bytes_of_token);
            memcpy(decoded + written, bytes_of_token, size);
            written += size;
            free(bytes_of_token);
        }
    }
    put_number((int32_t)written);
    fwrite(decoded, 1, written, stdout);
    free(decoded);
}

int main(void)
{
    uint32_t count;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        char *bytes = malloc(count);
        if (count > 0 && (bytes == NULL || fread(bytes, 1, count, stdin) != count)) {
            return 1;
        }
        put_text(bytes, count);
        free(bytes);
    }
    return 0;
}
