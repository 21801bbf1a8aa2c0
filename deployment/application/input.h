/* Received bytes, in the order of their arrival, also of those that arrive while an answer is computed. */
#ifndef TEXTZOO_INPUT_H
#define TEXTZOO_INPUT_H

#include <stdbool.h>
#include <stdint.h>

enum { INPUT_ENQUIRY = -3 }; /* besides the values of port_poll */

/* Store a received byte. Called by this module for what port_poll returns, or by the interrupt of a port. Not by both. */
void input_put(uint8_t byte);

/* Wait for the next byte: 0 to 255, PORT_END_OF_INPUT, or INPUT_ENQUIRY. */
int input_get(void);

/* Whether bytes before the last one that input_get returned were discarded because the buffer was full; true once for the
 * bytes around them. */
bool input_was_lost(void);

/* Store what has arrived, without waiting. To be called before the following two. */
void input_listen(void);

/* Whether the host has asked if the program is alive, since the last call. */
bool input_take_enquiry(void);

/* Whether PROTOCOL_INTERRUPT is among the bytes that input_get has not returned yet; it is used up then, and those around
 * it stay. */
bool input_take_interrupt(void);

#endif
