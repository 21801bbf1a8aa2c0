/* What every application answers about the device, whatever its model is. The functions take the place of commands: each
 * replies in the current style. */
#ifndef TEXTZOO_DEVICE_H
#define TEXTZOO_DEVICE_H

#include <stdbool.h>

/* The constants in flash have the CRC-32 that the compiler computed. */
bool device_weights_right(void);

/* The first fields of `info`: protocol, model and board. */
void device_reply_identity(void);

/* The last fields of `info` that do not depend on the model: the counter, and the number of this start. */
void device_reply_counter(void);

/* `memory`: bytes of weights, state, arena and stacks. */
void device_memory(void);

/* `exit`: end the program; a board restarts. */
void device_exit(void);

/* `release`: nothing but the answer; the console returns to interactive use. */
void device_release(void);

#endif
