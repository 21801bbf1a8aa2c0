/* Xtensa lx106 on QEMU's `sim`: CCOUNT counts 40 MHz of virtual time; an instruction takes 64 ns. */
#ifndef TEXTZOO_TICKS_H
#define TEXTZOO_TICKS_H

#include <stdint.h>

#define TWIN_INSTRUCTIONS_FACTOR 25u
#define TWIN_INSTRUCTIONS_SHIFT 6u
#define TWIN_NANOSECONDS_FACTOR 25u
#define TWIN_NANOSECONDS_SHIFT 0u

static inline uint32_t twin_ticks(void)
{
    uint32_t ticks;
    __asm__ volatile("rsr %0, ccount" : "=a"(ticks)::"memory");
    return ticks;
}

static inline void twin_loop(uint32_t iterations)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+a"(iterations));
}

#endif
