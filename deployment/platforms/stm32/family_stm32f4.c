/* STM32F405/407 (RM0090) at 168 MHz and STM32F401 (RM0368) at 84 MHz, from the internal 16 MHz oscillator, so that no
 * crystal is needed; its 1 % is enough for a serial line. Runs unchanged on QEMU's netduinoplus2, an STM32F405 without clock control and cycle counter. */
#include "board.h"
#include "cortex.h"

enum { HSI_HZ = 16000000, APB1_HZ = 42000000, NANOSECONDS_PER_INSTRUCTION = 64 };
#if BOARD_CORE_MHZ == 168
#define PLL_DIVIDER 0u                     /* / 2 */
#define BUS_DIVIDERS (5u << 10 | 4u << 13) /* APB1 = / 4, APB2 = / 2 */
#else
#define PLL_DIVIDER 1u         /* / 4 */
#define BUS_DIVIDERS (4u << 10) /* APB1 = / 2 */
#endif
#define RCC_CR REGISTER(0x40023800u)
#define RCC_PLLCFGR REGISTER(0x40023804u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define FLASH_ACR REGISTER(0x40023C00u)
#define TIM2_CR1 REGISTER(0x40000000u)

static bool timer_is_exact;

void board_before_memory(void)
{
}

/* Whether the core runs from the PLL now. */
static bool start_pll(void)
{
    /* 16 MHz / 8 * 168 = 336 MHz; / 7 = 48 MHz for USB */
    RCC_PLLCFGR = 8u | 168u << 6 | PLL_DIVIDER << 16 | 7u << 24;
    RCC_CR |= 1u << 24;
    if (!board_wait(&RCC_CR, 1u << 25, 1u << 25)) {
        return false;
    }
    FLASH_ACR = BOARD_FLASH_WAITS | 1u << 8 | 1u << 9 | 1u << 10; /* prefetch, instruction and data cache */
    RCC_CFGR = BUS_DIVIDERS;
    RCC_CFGR |= 2u;
    return board_wait(&RCC_CFGR, 3u << 2, 2u << 2);
}

uint32_t board_start_clocks(void)
{
    const bool fast = start_pll();
    RCC_AHB1ENR |= BOARD_GPIO_CLOCKS;
    RCC_APB1ENR |= BOARD_USART_CLOCK | 1u; /* USART and TIM2 */
    (void)RCC_APB1ENR; /* read back: the clock needs a moment before the first access */
    return fast ? APB1_HZ : HSI_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}

/* TIM2 counts nanoseconds in the emulator, 64 per instruction with -icount shift=6. */
void board_start_timer(void)
{
    TIM2_CR1 = 1u;
}

/* Not inlined, so that the code around the loop is the same for every length. */
__attribute__((noinline)) static uint32_t timed_loop(uint32_t iterations)
{
    const uint32_t before = BOARD_TIMER_COUNT;
    cortex_loop(iterations);
    return BOARD_TIMER_COUNT - before;
}

bool board_timer_counts_instructions(void)
{
    timer_is_exact = timed_loop(2000) - timed_loop(1000) == 2000u * NANOSECONDS_PER_INSTRUCTION;
    return timer_is_exact;
}

uint64_t board_timer_units(uint64_t nanoseconds)
{
    return timer_is_exact ? nanoseconds / NANOSECONDS_PER_INSTRUCTION : nanoseconds;
}
