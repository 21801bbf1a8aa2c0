/* A timer of an emulator as an exact counter of instructions: port_counter and port_counter_name of port.h. */
#ifndef TEXTZOO_COUNTER_OF_TWIN_H
#define TEXTZOO_COUNTER_OF_TWIN_H

/* Find out how the timer counts. Called once, when the timer runs. */
void twin_start_counter(void);

#endif
