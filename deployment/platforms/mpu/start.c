/* Start-up of the emulated board: QEMU's virt machine, exception level 1. Registers are those of the Arm Architecture
 * Reference Manual for A-profile. */
#include <stdint.h>

#include "port.h"
#include "reply.h"

extern uint64_t __bss_start[], __bss_end[];

int main(void);
void start_with_stack(void);
void fault_with_stack(uint64_t syndrome, uint64_t address);

/* Entry, and the sixteen entries of the table of exceptions, all of them faults: no interrupt is enabled. */
__asm(".section .start, \"ax\"\n"
      ".global start\n"
      "start: ldr x0, =__stack_top\n"
      "mov sp, x0\n"
      "mov x0, #(3 << 20)\n" /* floating point and vectors */
      "msr cpacr_el1, x0\n"
      "ldr x0, =vectors\n"
      "msr vbar_el1, x0\n"
      "isb\n"
      "bl start_with_stack\n"
      "fault: ldr x0, =__stack_top\n" /* the stack begins anew: the fault may have been its overflow */
      "mov sp, x0\n"
      "mrs x0, esr_el1\n"
      "mrs x1, elr_el1\n"
      "bl fault_with_stack\n"
      ".balign 2048\n"
      "vectors:\n"
      ".rept 16\n .balign 128\n b fault\n .endr\n"
      ".text\n");

/* The lowest 4 GB, one entry per GB: devices, memory, unmapped, unmapped. Without cacheable memory every access would
 * have to be aligned. */
static uint64_t translation[4] __attribute__((aligned(32)));

#define BLOCK 1u
#define ACCESSED (1u << 10)
#define SHAREABLE (3u << 8)
#define NORMAL (1u << 2) /* attributes 1 of MAIR */
#define NO_EXECUTION (3ull << 53)

static void enable_translation(void)
{
    translation[0] = BLOCK | ACCESSED | NO_EXECUTION;
    translation[1] = 0x40000000u | BLOCK | ACCESSED | SHAREABLE | NORMAL;
    const uint64_t attributes = 0xFF00u;                             /* 0: device, 1: cacheable memory */
    const uint64_t control = 32u | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23; /* 32 bits of addresses, 4 KB pages, TTBR0 only */
    __asm volatile("msr mair_el1, %0\n"
                   "msr tcr_el1, %1\n"
                   "msr ttbr0_el1, %2\n"
                   "isb\n"
                   "mrs %0, sctlr_el1\n"
                   "orr %0, %0, #1\n"         /* address translation */
                   "orr %0, %0, #(1 << 2)\n"  /* data cache */
                   "orr %0, %0, #(1 << 12)\n" /* instruction cache */
                   "msr sctlr_el1, %0\n"
                   "isb\n" ::"r"(attributes),
                   "r"(control), "r"(translation)
                   : "memory");
}

__attribute__((used)) void start_with_stack(void)
{
    for (uint64_t *word = __bss_start; word < __bss_end; ++word) {
        *word = 0;
    }
    enable_translation();
    main();
    port_exit(0);
}

__attribute__((used)) void fault_with_stack(uint64_t syndrome, uint64_t address)
{
    reply_use(REPLY_JSON);
    write_text("\n");
    reply_line("fault");
    reply_text("status", "error");
    reply_text("message", "the processor stopped with a fault");
    reply_hex32("esr", (uint32_t)syndrome);
    reply_hex32("pc", (uint32_t)address);
    reply_end();
    port_exit(3);
}
