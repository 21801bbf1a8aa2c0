/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Values of registers that hold addresses. QEMU tells the addresses of accesses, but not of PLD, which accesses nothing
 * there. What a base register holds follows from the last access by it, and from additions of constants since. */
#include "model.h"

enum { CORE_COUNT = 16 };

static bool is_known[CORE_COUNT];
static uint32_t values[CORE_COUNT];

void forget_registers(void)
{
    for (int number = 0; number < CORE_COUNT; ++number) {
        is_known[number] = false;
    }
}

static void set(uint32_t number, bool known, uint32_t value)
{
    is_known[number] = known;
    values[number] = value;
}

static bool is_list(const insn_t *insn)
{
    return insn->kind == LOADS || insn->kind == STORES || insn->kind == FLOAT_LOADS || insn->kind == FLOAT_STORES;
}

/* By how much a base that is written back changes: lists go up behind, or down before their access. */
static uint32_t advance(const insn_t *insn)
{
    return is_list(insn) && insn->distance == 0 ? 4u * insn->count : (uint32_t)insn->distance;
}

static void set_written(const insn_t *insn, bool known, uint32_t value)
{
    for (registers_t set_left = insn->writes & CORE_REGISTERS; set_left; set_left &= set_left - 1) {
        set((uint32_t)__builtin_ctzll(set_left), known, value);
    }
}

void track(const event_t *event)
{
    const insn_t *insn = event->insn;
    if (event->is_skipped) {
        return;
    }
    const bool has_base = insn->base < CORE_COUNT;
    if (has_base && event->access_count) {
        const uint32_t before = insn->marks & AFTER ? 0 : (uint32_t)insn->distance;
        set(insn->base, true, event->accesses[0].address - before);
    }
    const bool known = has_base && is_known[insn->base];
    const uint32_t value = known ? values[insn->base] : 0;
    const bool is_sum = insn->kind == ADD && known && !(insn->marks & CONDITIONAL);
    set_written(insn, is_sum, value + (uint32_t)insn->distance);
    if (insn->back) {
        set((uint32_t)__builtin_ctzll(insn->back), known, value + advance(insn));
    }
}

/* Returns whether the address of an instruction is known. */
bool address_known(const insn_t *insn, uint32_t *address)
{
    const bool known = insn->base < CORE_COUNT && is_known[insn->base];
    *address = known ? values[insn->base] + (uint32_t)insn->distance : 0;
    return known;
}
