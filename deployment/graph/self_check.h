/* Checks that the kernels compute the same outputs as LiteRT. */
#ifndef TEXTZOO_SELF_CHECK_H
#define TEXTZOO_SELF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* CRC-32 over the bytes of all outputs, in the order of model_outputs. */
uint32_t self_check_outputs(void);

/* The outputs of the stored inputs are those that LiteRT computed on the PC. The inputs and outputs given before are lost. */
bool self_check_kernels(void);

#endif
