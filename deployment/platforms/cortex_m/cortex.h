/* Registers of the Arm Cortex-M cores (ARMv6-M, ARMv7-M, ARMv8-M Architecture Reference Manuals), the same on every chip. */
#ifndef TEXTZOO_CORTEX_H
#define TEXTZOO_CORTEX_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_COUNT REGISTER(0xE000E018u)
#define NVIC_ISER(index) REGISTER(0xE000E100u + 4u * (index))
#define SCB_VTOR REGISTER(0xE000ED08u)
#define SCB_AIRCR REGISTER(0xE000ED0Cu)
#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CFSR REGISTER(0xE000ED28u)
#define SCB_HFSR REGISTER(0xE000ED2Cu)
#define SCB_CCSIDR REGISTER(0xE000ED80u)
#define SCB_CSSELR REGISTER(0xE000ED84u)
#define SCB_CPACR REGISTER(0xE000ED88u)
#define SCB_DEMCR REGISTER(0xE000EDFCu)
#define MPU_TYPE REGISTER(0xE000ED90u)
#define MPU_CTRL REGISTER(0xE000ED94u)
#define MPU_RNR REGISTER(0xE000ED98u)
#define MPU_RBAR REGISTER(0xE000ED9Cu)
#define MPU_RASR REGISTER(0xE000EDA0u)
#define SCB_ICIALLU REGISTER(0xE000EF50u)
#define SCB_DCISW REGISTER(0xE000EF60u)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define DWT_LAR REGISTER(0xE0001FB0u)

static inline void cortex_barrier(void)
{
    __asm volatile("dsb\n isb" ::: "memory");
}

/* Enable an interrupt of the chip, and interrupts as such, which a boot loader may have disabled. */
static inline void cortex_enable_interrupt(uint32_t number)
{
    NVIC_ISER(number / 32u) = 1u << number % 32u;
    __asm volatile("cpsie i" ::: "memory");
}

/* Enable the FPU, and MVE on Cortex-M55: compilers use their registers even in code without floats. */
static inline void cortex_enable_coprocessors(void)
{
    SCB_CPACR |= 0xFu << 20;
    cortex_barrier();
}

/* Make every access to the 64 KB below `address`, a multiple of 64 KB, a fault (before ARMv8-M); ARMv8-M has a stack limit. */
static inline void cortex_guard_below(uint32_t address)
{
    if ((MPU_TYPE & 0xFF00u) == 0) {
        return; /* no regions: a core without MPU, e.g. any Cortex-M0 */
    }
    MPU_RNR = 0;
    MPU_RBAR = address - 0x10000u;
    MPU_RASR = 1u << 28 | 15u << 1 | 1u; /* no execution, no access, 2^(15 + 1) bytes, enabled */
    MPU_CTRL = 1u << 2 | 1u;             /* everything else as without MPU */
    cortex_barrier();
}

/* Run `iterations` times two instructions, against which counters are checked. */
static inline void cortex_loop(uint32_t iterations)
{
    __asm volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(iterations)::"cc");
}

/* Enable instruction and data cache, and the branch caches of Cortex-M55. There is no DMA in this program, so the data
 * cache needs no maintenance after its first invalidation. */
static inline void cortex_enable_caches(void)
{
    SCB_ICIALLU = 0;
    SCB_CSSELR = 0;
    cortex_barrier();
    const uint32_t size = SCB_CCSIDR;
    const uint32_t line_bits = (size & 7u) + 4u;
    const uint32_t ways = (size >> 3 & 0x3FFu) + 1u;
    const uint32_t sets = (size >> 13 & 0x7FFFu) + 1u;
    const uint32_t way_shift = ways > 1u ? (uint32_t)__builtin_clz(ways - 1u) : 0u;
    for (uint32_t set = 0; set < sets; ++set) {
        for (uint32_t way = 0; way < ways; ++way) {
            SCB_DCISW = way << way_shift | set << line_bits;
        }
    }
    cortex_barrier();
    SCB_CCR |= 1u << 16 | 1u << 17 | 1u << 18 | 1u << 19; /* DC, IC, BP, LOB; the last two are ignored before M55 */
    cortex_barrier();
}

static inline void cortex_reset(void)
{
    cortex_barrier();
    SCB_AIRCR = 0x05FA0004u;
    for (;;) {
    }
}

#endif
