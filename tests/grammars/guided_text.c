/* Writes a text under a grammar with the application's own grammar.c and sampler.c. */
#include "grammar.h"
#include "sampler.h"
#include "tokenizer.h"

uint16_t grammar_start;
int32_t grammar_longest;
int32_t grammar_spans;
uint8_t grammar_records[GRAMMAR_BYTES];
uint8_t grammar_sets[GRAMMAR_SETS][(GRAMMAR_VOCABULARY_SIZE + 7) / 8];
uint8_t grammar_first_bytes[GRAMMAR_VOCABULARY_SIZE];
int32_t unknown_token = -1;
uint8_t token_sizes[GRAMMAR_VOCABULARY_SIZE];
char token_bytes[GRAMMAR_VOCABULARY_SIZE][TOKENIZER_MAX_TOKEN_BYTES];

size_t tokenizer_decode(int32_t token, char *bytes)
{
    for (size_t index = 0; index < token_sizes[token]; ++index) {
        bytes[index] = token_bytes[token][index];
    }
    return token_sizes[token];
}

/* input: (input_bytes) for spans; logits: (max_tokens, MODEL_VOCABULARY_SIZE); tokens: (max_tokens) gets the text. Returns the number of tokens. */
int32_t guided_text(const char *input, size_t input_bytes, const model_logit_t *logits, int32_t max_tokens, uint32_t temperature, int32_t top_k, uint32_t seed,
                    int32_t *tokens)
{
    sampler_t sampler;
    sampler_init(&sampler, temperature, top_k, seed);
    grammar_input(input, input_bytes);
    grammar_begin(true, max_tokens);
    int32_t count = 0;
    while (count < max_tokens && !grammar_is_over()) {
        const int32_t only = grammar_only();
        const int32_t token =
            only != GRAMMAR_NO_TOKEN ? only : sampler_choose(&sampler, logits + count * MODEL_VOCABULARY_SIZE);
        tokens[count++] = token;
        grammar_advance(token, max_tokens - count);
    }
    return count;
}
