/* What every family's file brings to start.c and port_stm32.c. */
#ifndef TEXTZOO_FAMILY_H
#define TEXTZOO_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

/* Before RAM is touched beyond the stack: power supply where it matters. */
void board_before_memory(void);

/* Clocks, caches, and clocks of GPIO and USART; returns the clock of the USART in Hz. A clock that does not become
 * ready leaves the board on the one it woke up with: slow, but talking. */
uint32_t board_start_clocks(void);

/* After the fault was reported; does not return. */
void board_after_fault(void);

/* Only where board.h has BOARD_TIMER_COUNT: a timer in place of the core's cycle counter, which emulators lack. */
void board_start_timer(void);
bool board_timer_counts_instructions(void);
uint64_t board_timer_units(uint64_t ticks);

/* Whether all bits of a register become set, or become cleared, before a generous time is over. */
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
