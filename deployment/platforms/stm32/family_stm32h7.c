/* STM32H743/747 (RM0433, RM0399), Cortex-M7: 400 MHz from the internal 64 MHz oscillator, so that no crystal is needed.
 * The USART runs from that oscillator too: its speed does not depend on the PLL. */
#include "board.h"
#include "cortex.h"

enum { HSI_HZ = 64000000 };
#define RCC_CR REGISTER(0x58024400u)
#define RCC_CFGR REGISTER(0x58024410u)
#define RCC_D1CFGR REGISTER(0x58024418u)
#define RCC_D2CFGR REGISTER(0x5802441Cu)
#define RCC_D3CFGR REGISTER(0x58024420u)
#define RCC_PLLCKSELR REGISTER(0x58024428u)
#define RCC_PLLCFGR REGISTER(0x5802442Cu)
#define RCC_PLL1DIVR REGISTER(0x58024430u)
#define RCC_D2CCIP2R REGISTER(0x58024454u)
#define RCC_AHB4ENR REGISTER(0x580244E0u)
#define PWR_CSR1 REGISTER(0x58024804u)
#define PWR_CR3 REGISTER(0x5802480Cu)
#define PWR_D3CR REGISTER(0x58024818u)
#define FLASH_ACR REGISTER(0x52002000u)

/* The chip starts in "Run*" mode, which allows no writes to RAM until the power supply is chosen. That can be done only
 * once, and must be as the board is wired (board.h), or the chip hangs until it is unplugged. */
void board_before_memory(void)
{
    PWR_CR3 = (PWR_CR3 & ~7u) | BOARD_POWER_SUPPLY;
    board_wait(&PWR_CSR1, 1u << 13, 1u << 13);
}

static bool start_pll(void)
{
    PWR_D3CR |= 3u << 14; /* voltage scale 1 */
    if (!board_wait(&PWR_D3CR, 1u << 13, 1u << 13)) {
        return false;
    }
    RCC_PLLCKSELR = 4u << 4;                                     /* 64 MHz / 4 */
    RCC_PLLCFGR = 3u << 2 | 1u << 16;                            /* input 8-16 MHz, wide VCO, output P */
    RCC_PLL1DIVR = (50u - 1u) | (2u - 1u) << 9 | 1u << 16 | 1u << 24; /* * 50 / 2 */
    RCC_CR |= 1u << 24;
    if (!board_wait(&RCC_CR, 1u << 25, 1u << 25)) {
        return false;
    }
    FLASH_ACR = 2u | 2u << 4; /* 2 wait states at 200 MHz */
    RCC_D1CFGR = 8u | 4u << 4; /* buses at 200 MHz, peripherals at 100 MHz */
    RCC_D2CFGR = 4u << 4 | 4u << 8;
    RCC_D3CFGR = 4u << 4;
    RCC_CFGR = (RCC_CFGR & ~7u) | 3u;
    return board_wait(&RCC_CFGR, 7u << 3, 3u << 3);
}

uint32_t board_start_clocks(void)
{
    start_pll();
    cortex_enable_caches();
    RCC_D2CCIP2R = (RCC_D2CCIP2R & ~077u) | 033u; /* all USARTs from the internal oscillator */
    RCC_AHB4ENR |= BOARD_GPIO_CLOCKS;
    BOARD_USART_ENABLE |= BOARD_USART_CLOCK;
    (void)BOARD_USART_ENABLE; /* read back: the clock needs a moment before the first access */
    return HSI_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}
