/* RP2040 and RP2350 (their datasheets, "Clocks", "PLL", "XOSC"): 125 and 150 MHz from the crystal of 12 MHz. The serial
 * line runs from the crystal itself: its speed does not depend on the PLL. */
#include "board.h"
#include "cortex.h"

enum { CRYSTAL_HZ = 12000000, OSCILLATOR_HZ = 6500000 };
#define CLK_REF_CTRL REGISTER(BOARD_CLOCKS_BASE + 0x30u)
#define CLK_REF_SELECTED REGISTER(BOARD_CLOCKS_BASE + 0x38u)
#define CLK_SYS_CTRL REGISTER(BOARD_CLOCKS_BASE + 0x3Cu)
#define CLK_SYS_SELECTED REGISTER(BOARD_CLOCKS_BASE + 0x44u)
#define CLK_PERI_CTRL REGISTER(BOARD_CLOCKS_BASE + 0x48u)
#define RESETS_SET REGISTER(BOARD_RESETS_BASE + 0x2000u)
#define RESETS_CLEAR REGISTER(BOARD_RESETS_BASE + 0x3000u)
#define RESETS_DONE REGISTER(BOARD_RESETS_BASE + 0x08u)
#define XOSC_CTRL REGISTER(BOARD_CRYSTAL_BASE + 0x00u)
#define XOSC_STATUS REGISTER(BOARD_CRYSTAL_BASE + 0x04u)
#define XOSC_STARTUP REGISTER(BOARD_CRYSTAL_BASE + 0x0Cu)
#define PLL_CS REGISTER(BOARD_PLL_BASE + 0x00u)
#define PLL_PWR REGISTER(BOARD_PLL_BASE + 0x04u)
#define PLL_FBDIV REGISTER(BOARD_PLL_BASE + 0x08u)
#define PLL_PRIM REGISTER(BOARD_PLL_BASE + 0x0Cu)

void board_before_memory(void)
{
}

static bool leave_reset(uint32_t blocks)
{
    RESETS_CLEAR = blocks;
    return board_wait(&RESETS_DONE, blocks, blocks);
}

static bool start_crystal(void)
{
    XOSC_STARTUP = 47; /* 47 * 256 cycles: 1 ms */
    XOSC_CTRL = 0xFABu << 12 | 0xAA0u; /* enabled, 1 to 15 MHz */
    return board_wait(&XOSC_STATUS, 1u << 31, 1u << 31);
}

/* A boot loader or a debugger may have left the core on the PLL that is to be changed. */
static bool run_from_crystal(void)
{
    CLK_SYS_CTRL &= ~1u; /* from the reference clock */
    if (!board_wait(&CLK_SYS_SELECTED, 1u, 1u)) {
        return false;
    }
    CLK_REF_CTRL = 2u;
    return board_wait(&CLK_REF_SELECTED, 1u << 2, 1u << 2);
}

static bool start_pll(void)
{
    RESETS_SET = BOARD_PLL_RESET;
    if (!leave_reset(BOARD_PLL_RESET)) {
        return false;
    }
    PLL_CS = 1;          /* 12 MHz / 1 */
    PLL_FBDIV = 125;     /* * 125 = 1500 MHz */
    PLL_PWR = 1u << 3 | 1u << 2; /* on, without the dividers behind it */
    if (!board_wait(&PLL_CS, 1u << 31, 1u << 31)) {
        return false;
    }
    PLL_PRIM = BOARD_PLL_DIVIDER << 16 | 2u << 12;
    PLL_PWR = 1u << 2;
    return true;
}

static bool run_from_pll(void)
{
    CLK_SYS_CTRL = 0; /* its second source: the PLL */
    CLK_SYS_CTRL = 1u;
    return board_wait(&CLK_SYS_SELECTED, 1u << 1, 1u << 1);
}

uint32_t board_start_clocks(void)
{
    const bool has_crystal = start_crystal();
    if (has_crystal && run_from_crystal() && start_pll()) {
        run_from_pll();
    }
    const uint32_t source = (has_crystal ? 4u : 0u) << 5;
    CLK_PERI_CTRL = source; /* off while its source changes, which may be in the middle of a pulse */
    CLK_PERI_CTRL = 1u << 11 | source;
    leave_reset(BOARD_PINS_RESET | BOARD_USART_RESET);
    return has_crystal ? CRYSTAL_HZ : OSCILLATOR_HZ;
}

void board_after_fault(void)
{
    for (;;) {
    }
}
