/* nRF52840 and nRF52833 (their product specifications): 64 MHz, always. The crystal is needed for the serial line alone:
 * the internal oscillator may be 6 % wrong. */
#include "board.h"
#include "cortex.h"

enum { CORE_HZ = 64000000 };
#define CLOCK_START_CRYSTAL REGISTER(0x40000000u)
#define CLOCK_CRYSTAL_STARTED REGISTER(0x40000100u)
#define NVMC_CACHE REGISTER(0x4001E540u)

void board_before_memory(void)
{
}

uint32_t board_start_clocks(void)
{
    CLOCK_CRYSTAL_STARTED = 0;
    CLOCK_START_CRYSTAL = 1;
    board_wait(&CLOCK_CRYSTAL_STARTED, 1u, 1u);
    NVMC_CACHE |= 1u;
    return CORE_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}
