/* Text generation beyond the context's length: textzoo.engines.generate in C. */
#ifndef TEXTZOO_GENERATE_H
#define TEXTZOO_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "options.h"
#include "prompt.h"
#include "sampler.h"

/* Clear the context. */
void context_reset(void);

/* Tokens in the model's state, 0 to MODEL_CONTEXT_LENGTH. */
int32_t context_position(void);

/* Feed one token; returns logits (MODEL_VOCABULARY_SIZE), valid until the next call. If the context is full, it
 * restarts with the last half of it (docs/explanations/sampling.md, "Past the end of the context"). */
const model_logit_t *context_feed(int32_t token);

typedef enum { NOT_ENDED, ENDED_MAX_TOKENS, ENDED_CONTEXT_FULL, ENDED_STOP, ENDED_INTERRUPTED, ENDED_GRAMMAR } ended_t;

/* A generation in progress. There can be one at a time, because the model's state and the text that waits are static. */
typedef struct {
    int32_t token;    /* after GENERATION_TOKEN: the new token */
    const char *text; /* (bytes) the text that is final after it, valid until the next call */
    size_t bytes;
    int32_t tokens; /* generated so far */
    uint64_t cost;  /* of sampling and feeding them, in units of the counter */
    ended_t ended;
    bool is_prompt; /* whether `token` is one of the prompt that is still to be fed */
    const options_t *options;
    prompt_t prompt;
    sampler_t sampler;
} generation_t;

typedef enum { GENERATION_FED, GENERATION_TOKEN, GENERATION_ENDED } generation_step_t;

/* Begin to continue a checked prompt of at least one token from a reset. options must stay valid. */
void generation_begin(generation_t *generation, const options_t *options, prompt_t prompt);

/* One step of the model. GENERATION_TOKEN: there is a new token; the last one has `ended` set. GENERATION_FED: a token of
 * the prompt, or of a context that slides, was fed, and there is no new one. GENERATION_ENDED: nothing is left to do.
 *
 * Bytes that may become the stop text or a character are passed with a later token; the last token has the rest.
 * Generation ends before the stop text, where the grammar allows nothing further, and with PAST_END_STOP when the context
 * is full. */
generation_step_t generation_next(generation_t *generation);

/* End it now; `text` and `bytes` are what was still waiting. */
void generation_interrupt(generation_t *generation);

#endif
