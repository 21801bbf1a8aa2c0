/* Start-up, semihosting and the instruction counter of an emulated Cortex-M. See board.h. */
#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CONFIGURATION REGISTER(0xE000ED14u) /* CCR */
#define COPROCESSORS REGISTER(0xE000ED88u) /* CPACR */
#define PROTECTION_CONTROL REGISTER(0xE000ED94u) /* MPU */
#define PROTECTION_ADDRESS REGISTER(0xE000ED9Cu)
#define PROTECTION_SIZE REGISTER(0xE000EDA0u)
#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)

enum { SYS_EXIT_EXTENDED = 0x20, STOPPED_BY_APPLICATION = 0x20026, FAULT_STATUS = 3, COUNTER_STATUS = 4 };

extern uint32_t bss_start[], bss_end[], stack_top[];
extern uint8_t arena_end[];

/* ---------------------------------------------------------------------------------------- host files, console */

static int32_t semihosting(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

static void __attribute__((noreturn)) board_exit(int status)
{
    const uint32_t arguments[] = {STOPPED_BY_APPLICATION, (uint32_t)status};
    semihosting(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

#include "semihosting_files.inc"

/* Makes what lies behind the memory's end fault. ARMv8-M boards have nothing there; ARMv7-M boards read zeros. */
static void fence(void)
{
#if __ARM_ARCH < 8
    PROTECTION_ADDRESS = (uint32_t)arena_end;
    PROTECTION_SIZE = (11u << 1) | 1u; /* 2^12 bytes, no access */
    PROTECTION_CONTROL = 5;            /* on, everything else as without it */
#endif
}

/* ---------------------------------------------------------------------------------------------------- counter */

static uint32_t counter_overhead;

/* QEMU's -icount shift=6 lets every instruction take 64 ns of virtual time, and SysTick counts that time. Ticks are
 * shorter than instructions, so rounding gives the number back to within one. */
void __attribute__((noinline)) board_counter_start(void)
{
    SYSTICK_VALUE = 0; /* any write clears it: it starts again from the reload value */
}

uint32_t __attribute__((noinline)) board_counter_stop(void)
{
    const uint32_t ticks = 0xFFFFFFu - SYSTICK_VALUE;
    const uint64_t picoseconds = (uint64_t)ticks * (1000000000000u / CLOCK_HZ);
    return (uint32_t)((picoseconds + 32000u) / 64000u) - counter_overhead;
}

static void __attribute__((naked)) loop_of_2004(void)
{
    __asm__ volatile(".syntax unified\n movs r0, #250\n lsls r0, r0, #2\n" /* with the call */
                     "1: subs r0, #1\n bne 1b\n bx lr");
}

static void start_counter(void)
{
    SYSTICK_RELOAD = 0xFFFFFFu;
    SYSTICK_CONTROL = 5; /* the core's clock, no interrupt */
    board_counter_start();
    counter_overhead = board_counter_stop();
    board_counter_start();
    loop_of_2004();
    const uint32_t count = board_counter_stop();
    if (count < 2003 || count > 2005) {
        board_print("the instruction counter is wrong: run with -icount shift=6,sleep=off\n");
        board_exit(COUNTER_STATUS);
    }
}

/* --------------------------------------------------------------------------------------------------- start-up */

static void fault_handler(void)
{
    board_print("fault\n");
    board_exit(FAULT_STATUS);
}

static void __attribute__((noreturn, used)) reset_handler(void)
{
#if __ARM_ARCH < 7
    CONFIGURATION |= 1u << 3; /* an unaligned access is a fault, as it is on Armv6-M */
#else
    COPROCESSORS |= 0xFu << 20; /* floating point and vector unit */
#endif
    __asm__ volatile("dsb\n isb");
    for (uint32_t *word = bss_start; word < bss_end; ++word) {
        *word = 0;
    }
    fence();
    start_counter();
    board_exit(main());
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {stack_top, {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
                         fault_handler}}; /* reset, NMI, hard fault, memory, bus, usage, secure */
