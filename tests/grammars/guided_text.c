/* Writes a text under a grammar with the application's own grammar.c and sampler.c. */
#include "grammar.h"
#include "sampler.h"

uint16_t grammar_start;
int32_t grammar_longest;
uint8_t grammar_records[GRAMMAR_BYTES];
uint8_t grammar_sets[GRAMMAR_SETS][(GRAMMAR_VOCABULARY_SIZE + 7) / 8];

/* logits: (max_tokens, MODEL_VOCABULARY_SIZE); tokens: (max_tokens) gets the text. Returns the number of tokens. */
int32_t guided_text(const model_logit_t *logits, int32_t max_tokens, uint32_t temperature, int32_t top_k, uint32_t seed,
                    int32_t *tokens)
{
    sampler_t sampler;
    sampler_init(&sampler, temperature, top_k, seed);
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
