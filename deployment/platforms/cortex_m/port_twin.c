/* The emulated board: a machine of QEMU with the same core. Serial line of Arm's CMSDK, exit by semihosting. */
#include "port.h"

#include "board.h"
#include "cortex.h"
#include "counter_of_twin.h"

enum { UART_DATA = 0x00, UART_STATE = 0x04, UART_CTRL = 0x08, UART_BAUDDIV = 0x10 };
#define UART(offset) REGISTER(TWIN_UART_BASE + (uint32_t)(offset))
#define UART_FULL 1u
#define UART_RECEIVED 2u

static void start_timer(void)
{
#ifdef TWIN_TIMER_COUNTS_DOWN
    REGISTER(TWIN_TIMER_BASE + 8u) = UINT32_MAX; /* reload */
    REGISTER(TWIN_TIMER_BASE + 4u) = UINT32_MAX; /* value */
#endif
    REGISTER(TWIN_TIMER_BASE) = 1u;
}

/* The emulated core may be a later one than the board's: an access that the board's core refuses is a fault there, too. */
void board_before_memory(void)
{
#if __ARM_ARCH < 7
    SCB_CCR |= 1u << 3; /* UNALIGN_TRP */
#endif
}

void port_init(void)
{
    UART(UART_BAUDDIV) = 16;
    UART(UART_CTRL) = 3u; /* send and receive */
    start_timer();
    twin_start_counter();
}

/* The emulator gives the next byte when this one is read, so that none is lost without an interrupt. */
int port_poll(void)
{
    return UART(UART_STATE) & UART_RECEIVED ? (int)(UART(UART_DATA) & 0xFFu) : PORT_NOTHING;
}

void port_put(char character)
{
    while (UART(UART_STATE) & UART_FULL) {
    }
    UART(UART_DATA) = (uint8_t)character;
}

/* Semihosting call SYS_EXIT_EXTENDED, reason ADP_Stopped_ApplicationExit. */
void port_exit(int status)
{
    const uint32_t arguments[2] = {0x20026u, (uint32_t)status};
    register uint32_t operation __asm("r0") = 0x20u;
    register const uint32_t *block __asm("r1") = arguments;
    __asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(block) : "memory");
    for (;;) {
    }
}

void board_after_fault(void)
{
    port_exit(3);
}
