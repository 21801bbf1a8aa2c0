/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * What PLD reads ahead of time. QEMU does nothing for a PLD and shows no registers, so that its address is known only
 * where its register was that of a load of several registers since it was last written; another PLD reads nothing. */
#include "model.h"

enum { CORE = 16 };
static struct {
    bool is_known;
    uint32_t value;
} bases[CORE];

void prefetch_begin(void)
{
    for (int number = 0; number < CORE; ++number) {
        bases[number].is_known = false;
    }
    forget_fills();
}

static int base_of(const insn_t *insn) { return __builtin_ctzll(insn->address | 1ull << (CORE - 1)); }

/* now: cycles so far, waits included. */
void prefetch_follow(const event_t *event, uint64_t now)
{
    const insn_t *insn = event->insn;
    const int base = base_of(insn);
    if (insn->kind == PREFETCH && insn->distance >= 0 && bases[base].is_known) {
        read_ahead_of_time(bases[base].value + (uint32_t)insn->distance, now);
    }
    for (registers_t set = (insn->writes | insn->back) & CORE_REGISTERS; set; set &= set - 1) {
        bases[__builtin_ctzll(set)].is_known = false;
    }
    if (insn->kind == LOADS && insn->distance >= 0 && event->access_count > 0 && !(insn->writes >> base & 1)) {
        bases[base].is_known = true;
        bases[base].value = event->accesses[0].address + (uint32_t)insn->distance;
    }
}
