/* A PC: standard input and output, the monotonic clock. The stack is the operating system's. */
#define _POSIX_C_SOURCE 200112L
#include "port.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FOREVER = -1, BRIEFLY = 20 }; /* milliseconds */

static struct {
    unsigned char bytes[512]; /* (count) from `at` on not passed on yet */
    ssize_t count;
    ssize_t at;
} input;

uint32_t port_boot(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint32_t)now.tv_sec * 1000000000u + (uint32_t)now.tv_nsec;
}

void port_init(void)
{
}

/* Whether there is input within so many milliseconds; its end counts as input. */
static bool is_readable(int milliseconds)
{
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&ready, 1, milliseconds) > 0;
}

int port_poll(void)
{
    if (input.at == input.count) {
        if (!is_readable(0)) {
            return PORT_NOTHING;
        }
        input.at = 0;
        input.count = read(STDIN_FILENO, input.bytes, sizeof input.bytes);
        if (input.count <= 0) {
            input.count = 0;
            return PORT_END_OF_INPUT;
        }
    }
    return input.bytes[input.at++];
}

void port_wait(void)
{
    is_readable(FOREVER);
}

void port_wait_briefly(void)
{
    is_readable(BRIEFLY);
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
