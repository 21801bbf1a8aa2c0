/* Functions of port.h for all ports without an operating system: an unbuffered serial line, and the linker script's
 * stack. */
#include "port.h"

#include "crc32.h"

extern uint32_t __stack_bottom[], __stack_top[];

enum { NOISE_BYTES = 2048 };
#define MARK 0x5EED0B07u

/* Survives a reset, because no start-up code writes to it. */
static struct {
    uint32_t boot;
    uint32_t check; /* boot ^ MARK, unless the memory was without power */
} kept __attribute__((section(".noinit")));

/* One more than before; after power-on a number from the random contents of the memory that becomes the stack. */
uint32_t port_boot(void)
{
    if ((kept.boot ^ kept.check) != MARK) {
        kept.boot ^= crc32_update(0, __stack_bottom, NOISE_BYTES);
    }
    ++kept.boot;
    kept.check = kept.boot ^ MARK;
    return kept.boot;
}

/* An interrupt or the next look ends the wait. */
void port_wait(void)
{
}

void port_wait_briefly(void)
{
}

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
