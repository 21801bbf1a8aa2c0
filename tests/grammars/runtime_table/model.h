/* What the sampler needs of a model: int8 logits with a scale of 0.1. */
#ifndef TEXTZOO_MODEL_H
#define TEXTZOO_MODEL_H

#include <stdint.h>

#define MODEL_VOCABULARY_SIZE VOCABULARY_SIZE
#define MODEL_LOGIT_UNIT LOGIT_UNIT

typedef int8_t model_logit_t;

#endif
