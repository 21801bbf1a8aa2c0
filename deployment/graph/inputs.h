/* The bytes of the model's inputs as they arrive: in pieces, each behind those before it. The model computes in the memory
 * of its inputs, so that every inference needs all of their bytes anew. */
#ifndef TEXTZOO_INPUTS_H
#define TEXTZOO_INPUTS_H

#include <stddef.h>
#include <stdint.h>

/* Forget what has arrived. */
void inputs_forget(void);

/* The number of bytes that have arrived of an input, 0 <= index < MODEL_INPUTS. */
size_t inputs_filled(size_t index);

/* The first input that is not complete, or MODEL_INPUTS. */
size_t inputs_incomplete(void);

/* Store digits / 2 bytes, given as hexadecimal digits, from byte `at` of an input on; later ones count as not arrived.
 * NULL, or what is wrong, and then nothing changes. */
const char *inputs_store(size_t index, size_t at, const char *hex, size_t digits);

/* Fill every input with its bytes of the self-check (graph.h), beginning with their element number `shift`. What has arrived
 * is forgotten. */
void inputs_fill(size_t shift);

#endif
