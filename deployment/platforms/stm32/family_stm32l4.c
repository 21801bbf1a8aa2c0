/* STM32L47x/48x/49x (RM0351) at 80 MHz and STM32G4 (RM0440) at 170 MHz, from the internal 16 MHz oscillator, so that no
 * crystal is needed. The USART runs from that oscillator too: its speed does not depend on the PLL. */
#include "board.h"
#include "cortex.h"

enum { HSI_HZ = 16000000 };
#define RCC_CR REGISTER(0x40021000u)
#define RCC_CFGR REGISTER(0x40021008u)
#define RCC_PLLCFGR REGISTER(0x4002100Cu)
#define RCC_AHB2ENR REGISTER(0x4002104Cu)
#define RCC_APB1ENR1 REGISTER(0x40021058u)
#define RCC_CCIPR REGISTER(0x40021088u)
#define PWR_CR5 REGISTER(0x40007080u) /* STM32G4 only */
#define FLASH_ACR REGISTER(0x40022000u)
#define CORE_HALVED (8u << 4) /* core and buses at half of the selected clock */

void board_before_memory(void)
{
}

/* Voltage range 1, as after reset, allows 80 MHz on an STM32L4, and 150 MHz on an STM32G4; its boost mode allows 170. */
static void raise_voltage(void)
{
#ifdef BOARD_HAS_BOOST
    RCC_APB1ENR1 |= 1u << 28;
    (void)RCC_APB1ENR1; /* read back: the clock needs a moment before the first access */
    PWR_CR5 &= ~(1u << 8);
#endif
}

static bool start_pll(void)
{
    RCC_CR |= 1u << 8; /* an STM32L4 starts from another oscillator */
    if (!board_wait(&RCC_CR, 1u << 10, 1u << 10)) {
        return false;
    }
    /* 16 MHz / M * N / 2, output R */
    RCC_PLLCFGR = 2u | (16u / BOARD_PLL_INPUT - 1u) << 4 | (2u * BOARD_CORE_MHZ / BOARD_PLL_INPUT) << 8 | 1u << 24;
    RCC_CR |= 1u << 24;
    return board_wait(&RCC_CR, 1u << 25, 1u << 25);
}

/* At half speed first, as the STM32G4 needs it for more than 80 MHz: at least 1 us, here longer. */
static bool run_from_pll(void)
{
    raise_voltage();
    FLASH_ACR = 4u | 1u << 8 | 1u << 9 | 1u << 10; /* 4 wait states, prefetch, instruction and data cache */
    if (!board_wait(&FLASH_ACR, 7u, 4u)) {
        return false;
    }
    RCC_CFGR = CORE_HALVED | 3u;
    const bool fast = board_wait(&RCC_CFGR, 3u << 2, 3u << 2);
    cortex_loop(100);
    RCC_CFGR &= ~CORE_HALVED;
    return fast;
}

uint32_t board_start_clocks(void)
{
    if (start_pll()) {
        run_from_pll();
    }
    RCC_CCIPR = (RCC_CCIPR & ~077u) | 052u; /* USART1 to USART3 from the internal oscillator */
    RCC_AHB2ENR |= BOARD_GPIO_CLOCKS;
    BOARD_USART_ENABLE |= BOARD_USART_CLOCK;
    (void)BOARD_USART_ENABLE; /* read back: the clock needs a moment before the first access */
    return HSI_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}
