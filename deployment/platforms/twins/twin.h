/* What an emulated machine brings to twin.c, in its machine_*.c and start_*.S. */
#ifndef TEXTZOO_TWIN_H
#define TEXTZOO_TWIN_H

#include <stdint.h>

/* Why the processor stopped, as its start-up code saves it. */
typedef struct {
    uint32_t cause, pc, address, stack;
} twin_fault_t;

/* Make what lies below `address` (the stack's lowest byte) a fault to touch, and start the timer. */
void twin_start_machine(uint32_t address);

/* The next byte of the serial line, or -1 where none has come. */
int twin_receive(void);
void twin_send(char character);
void twin_exit(int status) __attribute__((noreturn));

/* Called by the start-up code: with a fresh stack, and with a fresh stack after a fault. */
void twin_start(void) __attribute__((noreturn));
void twin_fault(const twin_fault_t *fault) __attribute__((noreturn));

#endif
