/* What an emulated machine's machine_*.c and start_*.S define for twin.c. */
#ifndef TEXTZOO_TWIN_H
#define TEXTZOO_TWIN_H

#include <stdint.h>

/* Why the processor stopped, as its start-up code saves it. */
typedef struct {
    uint32_t cause, pc, address, stack;
} twin_fault_t;

/* Make every access below `address` (the stack's lowest byte) a fault, and start the timer. */
void twin_start_machine(uint32_t address);

/* The next byte of the serial line, or -1 where none has come. */
int twin_receive(void);
void twin_send(char character);
void twin_exit(int status) __attribute__((noreturn));

/* Called by the start-up code with an empty stack: the first one after reset, the second one after a fault. */
void twin_start(void) __attribute__((noreturn));
void twin_fault(const twin_fault_t *fault) __attribute__((noreturn));

#endif
