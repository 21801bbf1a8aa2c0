/* The serial line of a chip, for port_cortex.c. What arrives is stored by board_usart_interrupt (family.h). */
#ifndef TEXTZOO_SERIAL_H
#define TEXTZOO_SERIAL_H

#include <stdint.h>

/* Set up pins, speed and interrupt of the serial line of board.h. clock_hz: what board_start_clocks returned. */
void serial_start(uint32_t clock_hz);

/* Send one byte; waits until it is accepted. */
void serial_send(char character);

#endif
