/* What a board brings to the application. One port per target; nothing else of the application knows the board. */
#ifndef TEXTZOO_PORT_H
#define TEXTZOO_PORT_H

#include <stdbool.h>
#include <stdint.h>

enum { PORT_END_OF_INPUT = -1 };

/* Clocks, serial line, counter. Called once, first. */
void port_init(void);

/* Wait for the next byte: 0 to 255, or PORT_END_OF_INPUT. */
int port_get(void);

/* Send one byte; waits until there is room. */
void port_put(char character);

/* Make what was sent visible now (a buffered stdout); nothing to do on a serial line. */
void port_flush(void);

/* Whether typed characters are sent back: on a serial line the terminal does not show them itself. */
bool port_echoes(void);

/* Never falls; two readings with nothing between them always differ by the same amount. Must be read at least once per
 * wrap of the hardware counter while something is measured (tens of seconds). */
uint64_t port_counter(void);

/* What the counter counts: "instructions", "cycles" or "nanoseconds". */
const char *port_counter_name(void);

/* The stack's lowest word and the word behind its highest one; both NULL where the system owns the stack. */
uint32_t *port_stack_bottom(void);
uint32_t *port_stack_top(void);

/* End the program (0 = well), or restart the board. Does not return. */
void port_exit(int status);

#endif
