/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Cortex-M4: one instruction at a time, three stages.
 *
 * Sources: Arm 100166, Cortex-M4 Technical Reference Manual, table 3-1 (cycles) and the notes on pairs of loads and
 * stores after it; what the table leaves open from jnk0le/random, "pipeline cycle test", measured on STM32F103 and
 * STM32F407. */
#include "model.h"

enum {
    TAKEN = 1,         /* refill after B, BL, taken branches; 3.3.1 gives P = 1 to 3 */
    TO_REGISTER = 2,   /* refill after BX, BLX */
    LOADED_TO_PC = 3,  /* refill after a load to pc, and TBB: its address comes from memory */
    DIVISION = 6,      /* 2 to 12, by value, which the plugin does not see */
    FLOAT_SUM = 3,     /* VMLA and VFMA */
    FLOAT_QUOTIENT = 14
};

static const insn_t *before;
static bool was_taken, was_skipped;
static uint32_t last_loaded; /* address */
static uint64_t passed;      /* cycles with waits */

static void begin(void)
{
    before = NULL;
    was_taken = was_skipped = false;
    passed = 0;
}

static uint64_t now(void) { return passed; }

static bool is_behind_load(void)
{
    const bool is_load = before && (before->kind == LOAD || before->kind == FLOAT_LOAD);
    return is_load && !was_skipped && !(before->marks & TO_PC);
}

static bool is_behind_store(void)
{
    return before && (before->kind == STORE || before->kind == FLOAT_STORE) && !was_skipped;
}

/* A load or store overlaps with the load before it, unless its address needs that load's result or written-back base,
 * it is a load in a 32-bit instruction that crosses a word, or the two go to different memory blocks. */
static bool overlaps(const event_t *event)
{
    const insn_t *insn = event->insn;
    if (!is_behind_load() || (before->writes & insn->address) || (before->back & insn->address)) {
        return false;
    }
    const bool crosses_word = insn->bytes == 4 && (insn->pc & 2) && insn->kind == LOAD;
    return !crosses_word && event->accesses[0].address >> 28 == last_loaded >> 28;
}

/* The address needs the result of the operation before. */
static bool waits_for_address(const insn_t *insn)
{
    if (before == NULL || is_behind_load() || before->kind == LOAD2 || before->kind == LOADS) {
        return false;
    }
    return (before->writes & insn->address & CORE_REGISTERS) != 0;
}

static int single_access(const event_t *event)
{
    const insn_t *insn = event->insn;
    int cycles = insn->kind == STORE ? 1 + (insn->marks & OFFSET ? 1 : 0) : 1 + insn->count;
    if (overlaps(event) && !is_float(insn)) {
        cycles -= 1;
    }
    if (insn->kind == LOAD && is_behind_store()) {
        cycles += 1;
    }
    return cycles + waits_for_address(insn) + is_unaligned(event) + (insn->marks & TO_PC ? LOADED_TO_PC : 0);
}

static int many_accesses(const insn_t *insn)
{
    const bool waits = before && before->kind < LOAD && (before->writes & insn->address & CORE_REGISTERS);
    return 1 + insn->count + (insn->marks & TO_PC ? LOADED_TO_PC : 0) + waits;
}

static int access_cycles(const event_t *event)
{
    if (event->is_skipped) {
        return 1;
    }
    const kind_t kind = event->insn->kind;
    const bool is_single = kind == LOAD || kind == STORE || kind == FLOAT_LOAD || kind == FLOAT_STORE;
    return is_single ? single_access(event) : many_accesses(event->insn);
}

/* IT is folded into a 16-bit instruction before it. */
static int cycles_of_it(void) { return before && before->bytes == 2 && !was_taken ? 0 : 1; }

/* NOP takes the second cycle of a load, or of a store with a register as offset. */
static int cycles_of_nop(void)
{
    return is_behind_load() || (is_behind_store() && before->marks & OFFSET) ? 0 : 1;
}

/* Moves between the core and the FPU take a cycle a register. */
static int insn_words(const insn_t *insn) { return insn->count > 1 ? insn->count : 1; }

static int cycles_alone(const event_t *event)
{
    switch (event->insn->kind) {
    case LOAD: case STORE: case LOAD2: case STORE2: case LOADS: case STORES:
    case FLOAT_LOAD: case FLOAT_STORE: case FLOAT_LOADS: case FLOAT_STORES:
        return access_cycles(event);
    case JUMP: return 1 + TAKEN;
    case CALL: case BRANCH: case COMPARE_BRANCH: return event->is_taken ? 1 + TAKEN : 1;
    case INDIRECT: return event->is_taken ? 1 + TO_REGISTER : 1;
    case TABLE: return 2 + LOADED_TO_PC;
    case DIV: return DIVISION;
    case IT: return cycles_of_it();
    case NOP: return cycles_of_nop();
    case BARRIER: return 4;
    case FLOAT_MAC: return FLOAT_SUM;
    case FLOAT_MOVE: return insn_words(event->insn);
    case FLOAT_DIV: return FLOAT_QUOTIENT;
    default: return 1;
    }
}

static bool waits_for_float(const insn_t *insn)
{
    const bool computes = before && (before->kind == FLOAT || before->kind == FLOAT_MAC);
    return computes && is_float(insn) && (before->writes & insn->reads & FLOAT_REGISTERS);
}

static elapsed_t retire(const event_t *event)
{
    const insn_t *insn = event->insn;
    int cycles = cycles_alone(event) + waits_for_float(insn);
    if (was_taken && insn->bytes == 4 && (insn->pc & 2)) {
        cycles += 1; /* a jump fetches a word: the second half comes with the next one */
    }
    if (event->access_count && !event->accesses[0].is_store) {
        last_loaded = event->accesses[event->access_count - 1].address;
    }
    before = insn;
    was_taken = event->is_taken;
    was_skipped = event->is_skipped;
    const uint64_t core = (uint64_t)cycles, with_waits = core + (uint64_t)(event->fetch_stall + event->data_stall);
    passed += with_waits;
    return (elapsed_t){core, with_waits};
}

const core_t core_m4 = {4, begin, now, retire};
