/* STM32U575/585 (RM0456), TrustZone off as delivered: 160 MHz from the internal 16 MHz oscillator, so that no crystal
 * is needed. The USART runs from that oscillator too: its speed does not depend on the PLL. */
#include "board.h"
#include "cortex.h"

enum { HSI_HZ = 16000000 };
#define RCC_CR REGISTER(0x46020C00u)
#define RCC_CFGR1 REGISTER(0x46020C1Cu)
#define RCC_PLL1CFGR REGISTER(0x46020C28u)
#define RCC_PLL1DIVR REGISTER(0x46020C34u)
#define RCC_AHB2ENR1 REGISTER(0x46020C8Cu)
#define RCC_AHB3ENR REGISTER(0x46020C94u)
#define RCC_APB2ENR REGISTER(0x46020CA4u)
#define RCC_CCIPR1 REGISTER(0x46020CE0u)
#define PWR_VOSR REGISTER(0x4602080Cu)
#define FLASH_ACR REGISTER(0x40022000u)
#define ICACHE_CR REGISTER(0x40030400u)

void board_before_memory(void)
{
}

/* Set voltage range 1 with its booster, which 160 MHz need; the booster takes its clock from the PLL's input. */
static bool raise_voltage(void)
{
    RCC_AHB3ENR |= 1u << 2;
    PWR_VOSR |= 3u << 16;
    if (!board_wait(&PWR_VOSR, 1u << 15, 1u << 15)) {
        return false;
    }
    PWR_VOSR |= 1u << 18;
    return board_wait(&PWR_VOSR, 1u << 14, 1u << 14);
}

static bool start_pll(void)
{
    RCC_CR |= 1u << 8;
    if (!board_wait(&RCC_CR, 1u << 10, 1u << 10)) {
        return false;
    }
    RCC_PLL1CFGR = 2u | 3u << 2 | 1u << 18; /* 16 MHz / 1, output R */
    RCC_PLL1DIVR = (20u - 1u) | 1u << 9 | 1u << 16 | (2u - 1u) << 24; /* * 20 / 2 */
    if (!raise_voltage()) {
        return false;
    }
    RCC_CR |= 1u << 24;
    if (!board_wait(&RCC_CR, 1u << 25, 1u << 25)) {
        return false;
    }
    FLASH_ACR = 4u | 1u << 8; /* 4 wait states, prefetch */
    RCC_CFGR1 |= 3u;
    return board_wait(&RCC_CFGR1, 3u << 2, 3u << 2);
}

uint32_t board_start_clocks(void)
{
    start_pll();
    ICACHE_CR |= 1u;
    RCC_CCIPR1 = (RCC_CCIPR1 & ~3u) | 2u; /* USART1 from the internal oscillator */
    RCC_AHB2ENR1 |= BOARD_GPIO_CLOCKS;
    RCC_APB2ENR |= BOARD_USART_CLOCK;
    (void)RCC_APB2ENR; /* read back: the clock needs a moment before the first access */
    return HSI_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}
