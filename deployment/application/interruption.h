/* The end of an answer by PROTOCOL_INTERRUPT, and the answer to PROTOCOL_ENQUIRY, between the steps of a command. */
#ifndef TEXTZOO_INTERRUPTION_H
#define TEXTZOO_INTERRUPTION_H

#include <stdbool.h>

/* Begin a command that can be interrupted. A repeated one ends at the step at which it was interrupted before, so that
 * its lines are the same every time. */
void interruption_begin(bool is_repeated);

/* To be called after every step of the model; returns whether the command must end now. */
bool interruption_due(void);

#endif
