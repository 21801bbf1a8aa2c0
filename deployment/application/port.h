/* The functions that a board implements. One port per target; the rest of the application is independent of it. */
#ifndef TEXTZOO_PORT_H
#define TEXTZOO_PORT_H

#include <stdbool.h>
#include <stdint.h>

enum { PORT_END_OF_INPUT = -1, PORT_NOTHING = -2 };

/* A number that differs from that of the previous start (README.md says how reliably). Called once, first. */
uint32_t port_boot(void);

/* Clocks, serial line, counter. Called once, next. */
void port_init(void);

/* The next received byte, 0 to 255; PORT_END_OF_INPUT; or PORT_NOTHING if none has arrived yet. Does not wait. A port
 * whose interrupt gives every byte to input_put always returns PORT_NOTHING. */
int port_poll(void);

/* Wait until there may be input; may return earlier, or at once. */
void port_wait(void);

/* The same, for 20 ms at most. */
void port_wait_briefly(void);

/* Send one byte; waits until it is accepted. */
void port_put(char character);

/* Flush a buffered stdout; does nothing on a serial line. */
void port_flush(void);

/* Whether input is echoed, as on a serial line, whose terminal does not show it itself. */
bool port_echoes(void);

/* Monotonic; two consecutive readings always differ by the same amount. Must be read at least once per wrap of the
 * hardware counter during a measurement (tens of seconds). */
uint64_t port_counter(void);

/* The counter's unit: "instructions", "cycles" or "nanoseconds". */
const char *port_counter_name(void);

/* The stack's lowest word and the word after its highest one; both NULL if the operating system owns the stack. */
uint32_t *port_stack_bottom(void);
uint32_t *port_stack_top(void);

/* End the program (0 for success), or restart the board. Does not return. */
void port_exit(int status);

#endif
