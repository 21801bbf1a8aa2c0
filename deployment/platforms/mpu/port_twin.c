/* The emulated board: QEMU's virt machine. Serial line of Arm's PL011, exit by PSCI, and the generic timer, which
 * counts instructions exactly: with -icount shift=6 one instruction takes 64 ns of virtual time, 4 ticks of 16 ns. */
#include "port.h"

enum { TICKS_PER_INSTRUCTION = 4, NANOSECONDS_PER_TICK = 16, TRIALS = 100 };
enum { UART_DATA = 0x00, UART_FLAGS = 0x18, UART_CONTROL = 0x30 };
#define UART(offset) (*(volatile uint32_t *)(uintptr_t)(0x09000000u + (uint32_t)(offset)))
#define UART_EMPTY (1u << 4)
#define UART_FULL (1u << 5)
#define UART_RUN (1u | 3u << 8) /* enabled, transmit and receive */
#define PSCI_SYSTEM_OFF 0x84000008u

static bool exact;

static uint64_t ticks(void)
{
    uint64_t now;
    __asm volatile("isb\n mrs %0, cntvct_el0" : "=r"(now)::"memory");
    return now;
}

/* Ticks that a loop of two instructions per iteration takes, including those of reading the timer. */
static __attribute__((noinline)) uint64_t timed_loop(uint64_t iterations)
{
    const uint64_t before = ticks();
    __asm volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(iterations)::"cc");
    return ticks() - before;
}

/* Without -icount the timer follows the host's clock: then the unit is nanoseconds, and port_counter_name says so. */
static bool counts_instructions(void)
{
    const uint64_t around = timed_loop(1) - 2 * TICKS_PER_INSTRUCTION;
    for (uint64_t length = 1; length <= TRIALS; ++length) {
        if (timed_loop(length) != around + 2 * TICKS_PER_INSTRUCTION * length) {
            return false;
        }
    }
    return true;
}

void port_init(void)
{
    UART(UART_CONTROL) = UART_RUN;
    exact = counts_instructions();
}

int port_poll(void)
{
    return UART(UART_FLAGS) & UART_EMPTY ? PORT_NOTHING : (int)(UART(UART_DATA) & 0xFFu);
}

void port_put(char character)
{
    while (UART(UART_FLAGS) & UART_FULL) {
    }
    UART(UART_DATA) = (uint8_t)character;
}

uint64_t port_counter(void)
{
    return exact ? ticks() / TICKS_PER_INSTRUCTION : ticks() * NANOSECONDS_PER_TICK;
}

const char *port_counter_name(void)
{
    return exact ? "instructions" : "nanoseconds";
}

void port_exit(int status)
{
    register uint64_t function __asm("x0") = PSCI_SYSTEM_OFF;
    (void)status;
    __asm volatile("hvc #0" : "+r"(function)::"memory");
    for (;;) {
    }
}
