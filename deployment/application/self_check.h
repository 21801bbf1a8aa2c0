/* Checks that the kernels compute the same logits as LiteRT. */
#ifndef TEXTZOO_SELF_CHECK_H
#define TEXTZOO_SELF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* CRC-32 of logits (count), little endian, as a continuation of `crc`. */
uint32_t self_check_logits(uint32_t crc, const model_logit_t *logits, int32_t count);

/* The logits of the check tokens are those that LiteRT computed on the PC. Resets the context. */
bool self_check_kernels(void);

#endif
