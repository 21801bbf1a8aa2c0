/* From logits to the next token, in integers only: docs/explanations/sampling.md, bit for bit. */
#ifndef TEXTZOO_SAMPLER_H
#define TEXTZOO_SAMPLER_H

#include <stdint.h>

#include "model.h"

typedef struct {
    uint32_t state;
} random32_t;

/* PCG-RXS-M-XS-32; any seed is valid. */
void random32_seed(random32_t *random, uint32_t seed);
uint32_t random32_next(random32_t *random);

typedef struct {
    random32_t random;
    uint32_t temperature; /* 16 fraction bits, at most 2^31; 0 is greedy */
    uint32_t multiplier;  /* change of the exponent of 2 per step of a logit, 24 fraction bits */
    int32_t top_k;        /* choose among the k largest logits; 0 or less for all */
} sampler_t;

void sampler_init(sampler_t *sampler, uint32_t temperature, int32_t top_k, uint32_t seed);

/* The next token for logits (MODEL_VOCABULARY_SIZE), of those that grammar.h allows: one or more. Draws one random number,
 * none when greedy. */
int32_t sampler_choose(sampler_t *sampler, const model_logit_t *logits);

#endif
