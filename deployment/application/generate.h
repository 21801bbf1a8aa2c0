/* Text generation beyond the context's length: textzoo.engines.generate in C. */
#ifndef TEXTZOO_GENERATE_H
#define TEXTZOO_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "options.h"
#include "prompt.h"

/* Clear the context. */
void context_reset(void);

/* Tokens in the model's state, 0 to MODEL_CONTEXT_LENGTH. */
int32_t context_position(void);

/* Feed one token; returns logits (MODEL_VOCABULARY_SIZE), valid until the next call. If the context is full, it
 * restarts with the last half of it (docs/explanations/sampling.md, "Past the end of the context"). */
const model_logit_t *context_feed(int32_t token);

typedef enum { ENDED_MAX_TOKENS, ENDED_CONTEXT_FULL, ENDED_STOP } ended_t;

typedef struct {
    int32_t tokens; /* generated */
    uint64_t cost;  /* of sampling and feeding them, in units of the counter */
    ended_t ended;
} generated_t;

/* Continue a checked prompt of at least one token from a reset; `emit` gets every new token as soon as it is sampled,
 * and the text (bytes) that is final after it. Bytes that may become the stop text or a character are passed with a
 * later token; the last token has the rest. Generation ends before the stop text, and with PAST_END_STOP when the
 * context is full. */
generated_t generate(const options_t *options, prompt_t prompt,
                     void (*emit)(int32_t token, const char *text, size_t bytes));

#endif
