/* Functions that every family's file implements for start.c and port_cortex.c. */
#ifndef TEXTZOO_FAMILY_H
#define TEXTZOO_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

/* Called before RAM beyond the stack is accessed: sets up the power supply where that is needed. */
void board_before_memory(void);

/* Set up clocks, caches, and clocks of GPIO and serial line; returns the clock of the latter in Hz. If a
 * clock does not become ready, the board stays on its reset clock: slower, but the serial line works. */
uint32_t board_start_clocks(void);

/* The interrupt BOARD_USART_INTERRUPT of board.h: stores what the serial line has received. */
void board_usart_interrupt(void);

#if __ARM_ARCH < 7
/* The core's exception SysTick, which counts the wraps of its counter: ARMv6-M has no counter of cycles. In the images of
 * emulated boards, which have another timer, there is none. */
__attribute__((weak)) void board_tick_interrupt(void);
#endif

/* Called after a fault was reported; does not return. */
void board_after_fault(void);

/* Only where board.h has BOARD_TIMER_COUNT: a timer in place of the core's cycle counter, which emulators lack. */
void board_start_timer(void);
bool board_timer_counts_instructions(void);
uint64_t board_timer_units(uint64_t ticks);

/* Wait until all bits of a register are set, or cleared; returns false after a generous time limit. */
static inline bool board_wait(volatile uint32_t *address, uint32_t mask, uint32_t value)
{
    for (uint32_t tries = 0; tries < 200000u; ++tries) {
        if ((*address & mask) == value) {
            return true;
        }
    }
    return false;
}

#endif
