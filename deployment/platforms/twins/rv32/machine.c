/* QEMU's `virt`: its NS16550 as serial line, exit by semihosting, physical memory protection below the stack. */
#include "twin.h"

#define UART(offset) (*(volatile uint8_t *)(0x10000000u + (uint32_t)(offset)))
enum { UART_DATA = 0, UART_STATE = 5, UART_RECEIVED = 1, UART_ROOM = 32 };
enum { SYS_EXIT_EXTENDED = 0x20, STOPPED_BY_APPLICATION = 0x20026 };
enum { GUARD_BYTES = 4096 };
#define NO_ACCESS 0x98u /* locked, naturally aligned, no access: for machine mode, too */

void twin_start_machine(uint32_t address)
{
    const uint32_t guard = (address - GUARD_BYTES) >> 2 | (GUARD_BYTES / 8 - 1);
    __asm__ volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1" ::"r"(guard), "r"(NO_ACCESS));
}

int twin_receive(void)
{
    return UART(UART_STATE) & UART_RECEIVED ? UART(UART_DATA) : -1;
}

void twin_send(char character)
{
    while (!(UART(UART_STATE) & UART_ROOM)) {
    }
    UART(UART_DATA) = (uint8_t)character;
}

/* The sequence of uncompressed instructions that RISC-V's semihosting defines. */
void twin_exit(int status)
{
    const uint32_t arguments[2] = {STOPPED_BY_APPLICATION, (uint32_t)status};
    register uint32_t operation __asm__("a0") = SYS_EXIT_EXTENDED;
    register const uint32_t *block __asm__("a1") = arguments;
    for (;;) {
        __asm__ volatile(".option push\n .option norvc\n .balign 16\n slli x0, x0, 31\n ebreak\n srai x0, x0, 7\n"
                         ".option pop"
                         : "+r"(operation)
                         : "r"(block)
                         : "memory");
    }
}
