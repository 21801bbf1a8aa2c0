/* A PC: standard input and output, the monotonic clock. The stack is the operating system's. */
#define _POSIX_C_SOURCE 199309L
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void port_init(void)
{
}

int port_get(void)
{
    const int byte = getchar();
    return byte == EOF ? PORT_END_OF_INPUT : byte;
}

void port_put(char character)
{
    putchar(character);
}

void port_flush(void)
{
    fflush(stdout);
}

bool port_echoes(void)
{
    return false;
}

uint64_t port_counter(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *port_counter_name(void)
{
    return "nanoseconds";
}

uint32_t *port_stack_bottom(void)
{
    return NULL;
}

uint32_t *port_stack_top(void)
{
    return NULL;
}

void port_exit(int status)
{
    fflush(stdout);
    exit(status);
}
