/* WebAssembly: what the module imports from the program around it, console.mjs or page.js. Only the console reads and
 * writes. The linker places the stack first, so that it ends in a trap instead of in the model's memory. */
#include "port.h"

#include <stddef.h>

#define IMPORT(name) __attribute__((import_module("textzoo"), import_name(#name))) extern

IMPORT(poll) int textzoo_poll(void); /* as port_poll */
IMPORT(wait) void textzoo_wait(void);
IMPORT(write) void textzoo_write(const char *text, size_t bytes);
IMPORT(nanoseconds) uint64_t textzoo_nanoseconds(void); /* monotonic */
IMPORT(exit) void textzoo_exit(int status);

/* From the linker: where the stack begins, which grows downwards, and static data. */
extern uint32_t __global_base[];

static struct {
    char text[4096];
    size_t bytes; /* not written yet */
} output;

uint32_t port_boot(void)
{
    return (uint32_t)textzoo_nanoseconds();
}

void port_init(void)
{
}

int port_poll(void)
{
    return textzoo_poll();
}

void port_wait(void)
{
    port_flush();
    textzoo_wait();
}

/* The program around the module knows no short wait: what happens later happens when something arrives. */
void port_wait_briefly(void)
{
    port_wait();
}

void port_put(char character)
{
    output.text[output.bytes++] = character;
    if (output.bytes == sizeof output.text) {
        port_flush();
    }
}

void port_flush(void)
{
    textzoo_write(output.text, output.bytes);
    output.bytes = 0;
}

bool port_echoes(void)
{
    return false;
}

uint64_t port_counter(void)
{
    return textzoo_nanoseconds();
}

const char *port_counter_name(void)
{
    return "nanoseconds";
}

uint32_t *port_stack_bottom(void)
{
    return (uint32_t *)16; /* address 0 is the null pointer */
}

uint32_t *port_stack_top(void)
{
    return __global_base;
}

void port_exit(int status)
{
    port_flush();
    textzoo_exit(status);
}
