/* STM32N657 (RM0486), Cortex-M55 in secure state: 600 MHz from the internal 64 MHz oscillator, the fastest clock that
 * needs no higher core voltage. The USART runs from that oscillator too: its speed does not depend on the PLL. */
#include "board.h"
#include "cortex.h"

enum { HSI_HZ = 64000000 };
#define RCC_SR REGISTER(0x56028004u)
#define RCC_CFGR1 REGISTER(0x56028020u)
#define RCC_CFGR2 REGISTER(0x56028024u)
#define RCC_PLL1CFGR1 REGISTER(0x56028080u)
#define RCC_PLL1CFGR2 REGISTER(0x56028084u)
#define RCC_PLL1CFGR3 REGISTER(0x56028088u)
#define RCC_IC1CFGR REGISTER(0x560280C4u)
#define RCC_IC2CFGR REGISTER(0x560280C8u)
#define RCC_IC6CFGR REGISTER(0x560280D8u)
#define RCC_IC11CFGR REGISTER(0x560280ECu)
#define RCC_CCIPR13 REGISTER(0x56028174u)
#define RCC_APB2ENR REGISTER(0x5602826Cu)
#define RCC_CSR REGISTER(0x56028800u) /* writing 1 sets a bit of RCC_CR */
#define RCC_DIVENSR REGISTER(0x56028A40u)
#define RCC_AHB4ENSR REGISTER(0x56028A5Cu)
#define RCC_APB2ENSR REGISTER(0x56028A6Cu)
#define RCC_CCR REGISTER(0x56029000u) /* writing 1 clears a bit of RCC_CR */

void board_before_memory(void)
{
}

/* The boot ROM may have left core and buses on the PLL that is to be changed. */
static bool run_from_oscillator(void)
{
    RCC_CSR = 1u << 3;
    if (!board_wait(&RCC_SR, 1u << 3, 1u << 3)) {
        return false;
    }
    RCC_CFGR1 &= ~(3u << 16 | 3u << 24);
    return board_wait(&RCC_CFGR1, 3u << 20 | 3u << 28, 0);
}

static bool start_pll(void)
{
    if (!run_from_oscillator()) {
        return false;
    }
    RCC_CCR = 1u << 8;
    if (!board_wait(&RCC_SR, 1u << 8, 0)) {
        return false;
    }
    RCC_PLL1CFGR3 |= 1u << 2;                                      /* no spread spectrum */
    RCC_PLL1CFGR1 = 4u << 20 | 75u << 8;                           /* 64 MHz / 4 * 75 = 1200 MHz */
    RCC_PLL1CFGR2 = 0;                                             /* no fraction */
    RCC_PLL1CFGR3 = 1u << 0 | 1u << 2 | 1u << 24 | 1u << 27 | 1u << 30; /* / 1 / 1, output on */
    RCC_CSR = 1u << 8;
    return board_wait(&RCC_SR, 1u << 8, 1u << 8);
}

static bool run_from_pll(void)
{
    RCC_IC1CFGR = (2u - 1u) << 16; /* core: 600 MHz */
    RCC_IC2CFGR = (3u - 1u) << 16; /* buses: 400 MHz */
    RCC_IC6CFGR = (3u - 1u) << 16;
    RCC_IC11CFGR = (3u - 1u) << 16;
    RCC_DIVENSR = 1u << 0 | 1u << 1 | 1u << 5 | 1u << 10;
    RCC_CFGR2 = (RCC_CFGR2 & ~(7u << 20)) | 1u << 20; /* AHB and APB: half */
    RCC_CFGR1 |= 3u << 16 | 3u << 24;
    return board_wait(&RCC_CFGR1, 3u << 20 | 3u << 28, 3u << 20 | 3u << 28);
}

uint32_t board_start_clocks(void)
{
    if (start_pll()) {
        run_from_pll();
    }
    cortex_enable_caches();
    RCC_CCIPR13 = (RCC_CCIPR13 & ~7u) | 6u; /* USART1 from the internal oscillator */
    RCC_AHB4ENSR = BOARD_GPIO_CLOCKS;
    RCC_APB2ENSR = BOARD_USART_CLOCK;
    (void)RCC_APB2ENR; /* read back: the clock needs a moment before the first access */
    return HSI_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}
