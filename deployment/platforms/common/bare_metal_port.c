/* Functions of port.h for all ports without an operating system: an unbuffered serial line, and the linker script's
 * stack. */
#include "port.h"

extern uint32_t __stack_bottom[], __stack_top[];

void port_flush(void)
{
}

bool port_echoes(void)
{
    return true;
}

uint32_t *port_stack_bottom(void)
{
    return __stack_bottom;
}

uint32_t *port_stack_top(void)
{
    return __stack_top;
}
