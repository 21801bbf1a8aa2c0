/* Feeding the model without end, and text from it: textzoo.engines.generate in C. */
#ifndef TEXTZOO_GENERATE_H
#define TEXTZOO_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "options.h"
#include "prompt.h"

/* Forget everything fed so far. */
void context_reset(void);

/* Tokens in the model's state, 0 to MODEL_CONTEXT_LENGTH. */
int32_t context_position(void);

/* Feed one token; returns logits (MODEL_VOCABULARY_SIZE), valid until the next call. Where the context is full, it
 * starts again from the last half of it (docs/explanations/sampling.md, "Past the end of the context"). */
const model_logit_t *context_feed(int32_t token);

typedef enum { ENDED_MAX_TOKENS, ENDED_CONTEXT_FULL, ENDED_STOP } ended_t;

typedef struct {
    int32_t tokens; /* generated */
    uint64_t cost;  /* of choosing and feeding them, in units of the counter */
    ended_t ended;
} generated_t;

/* Continue a checked prompt of at least one token from a reset; `emit` gets every new token as soon as it is chosen,
 * and the text (bytes) that has become certain with it. What may become the stop text, or a character, comes with a
 * later token; the last token brings what is left. It ends before the stop text, and with PAST_END_STOP where the next
 * token would not fit the context any more. */
generated_t generate(const options_t *options, prompt_t prompt,
                     void (*emit)(int32_t token, const char *text, size_t bytes));

#endif
