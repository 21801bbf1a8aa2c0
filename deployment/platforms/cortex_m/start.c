/* Start-up: vector table, memory, faults. The linker script defines the addresses. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "cortex.h"
#include "port.h"
#include "reply.h"

/* ARMv6-M has no registers that tell what a fault was. */
#define HAS_FAULT_STATUS (__ARM_ARCH >= 7)
#define CFSR_STACK_OVERFLOW (1u << 20) /* of ARMv8-M */

extern uint32_t __stack_bottom[], __stack_top[];
extern uint32_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

/* What is copied from the flash into RAM at the start, beside .data: a row of the table that placement.ld makes. */
typedef struct {
    const uint32_t *load; /* (bytes / 4) words in the flash */
    uint32_t *start;      /* (bytes / 4) words in RAM */
    uint32_t bytes;
} copy_t;

extern const copy_t __copies_start[], __copies_end[];

int main(void);
void start_with_stack(void);
void fault_with_stack(const uint32_t *frame);
void reset_handler(void);

/* Sets the stack pointer, because a debugger that loads the image into RAM does not. */
__attribute__((naked, noreturn, used)) void reset_handler(void)
{
    __asm volatile(
#if __ARM_ARCH >= 8
        "ldr r0, =__stack_bottom\n msr msplim, r0\n" /* an overflow of the stack is a fault */
#endif
        "ldr r0, =__stack_top\n msr msp, r0\n bl start_with_stack\n b .\n");
}

/* Begins the stack anew: the fault may have been its overflow. */
__attribute__((naked, noreturn, used)) static void fault_handler(void)
{
    __asm volatile("mrs r0, msp\n ldr r1, =__stack_top\n msr msp, r1\n bl fault_with_stack\n b .\n");
}

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector_t;

#define FAULT {.handler = fault_handler}
#define NONE {.handler = 0}

enum { EXCEPTIONS = 16 };
#ifdef BOARD_USART_INTERRUPT
enum { VECTORS = EXCEPTIONS + BOARD_USART_INTERRUPT + 1 };
#else
enum { VECTORS = EXCEPTIONS };
#endif

/* Initial stack pointer, reset, faults and the core's other exceptions; of the chip's interrupts only one is used. */
__attribute__((section(".vectors"), used)) static const vector_t vectors[VECTORS] = {
    {.stack = __stack_top}, {.handler = reset_handler}, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
    NONE, NONE, NONE, FAULT, FAULT, NONE, FAULT,
#if __ARM_ARCH < 7
    {.handler = board_tick_interrupt},
#else
    FAULT,
#endif
#ifdef BOARD_USART_INTERRUPT
    [EXCEPTIONS + BOARD_USART_INTERRUPT] = {.handler = board_usart_interrupt},
#endif
};

static void copy_words(uint32_t *to, const uint32_t *from, size_t words)
{
    for (size_t i = 0; i < words; ++i) {
        to[i] = from[i];
    }
}

__attribute__((used)) void start_with_stack(void)
{
    board_before_memory();
#if __ARM_ARCH < 8
    cortex_guard_below((uint32_t)(uintptr_t)__stack_bottom);
#endif
#if __ARM_ARCH >= 7
    cortex_enable_coprocessors();
#endif
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
    const uint32_t *load = __data_load;
    if (load != __data_start) {
        copy_words(__data_start, load, (size_t)(__data_end - __data_start));
    }
    for (const copy_t *copy = __copies_start; copy < __copies_end; ++copy) {
        copy_words(copy->start, copy->load, copy->bytes / 4u);
    }
    for (uint32_t *word = __bss_start; word < __bss_end; ++word) {
        *word = 0;
    }
    main();
    port_exit(0);
}

/* frame: what the core put on the stack, unless the stack had overflowed. */
__attribute__((used)) void fault_with_stack(const uint32_t *frame)
{
    const uintptr_t address = (uintptr_t)frame;
    const bool overflow = HAS_FAULT_STATUS && SCB_CFSR & CFSR_STACK_OVERFLOW;
    const bool whole = !overflow && address >= (uintptr_t)__stack_bottom && address + 32u <= (uintptr_t)__stack_top;
    reply_use(REPLY_JSON);
    write_text("\n");
    reply_line("fault");
    reply_text("status", "error");
    reply_text("message", whole ? "the processor stopped with a fault" : "the stack is too small");
    if (HAS_FAULT_STATUS) {
        reply_hex32("cfsr", SCB_CFSR);
        reply_hex32("hfsr", SCB_HFSR);
    }
    if (whole) {
        reply_hex32("pc", frame[6]);
    }
    reply_end();
    board_after_fault();
}
