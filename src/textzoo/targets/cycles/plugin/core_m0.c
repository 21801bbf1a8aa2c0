/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Cortex-M0 and Cortex-M0+: one instruction at a time, whatever comes before it; three stages, and two.
 *
 * Sources: Arm DDI 0432 (Cortex-M0) and Arm DDI 0484 (Cortex-M0+), table 3-1 of both, with the multiplier of one cycle.
 * Nothing is fitted. */
#include "model.h"

/* In cycles: what differs between the two. */
typedef struct {
    int taken;        /* B, also with a condition that holds; BX, BLX; operations that write pc */
    int linked;       /* BL */
    int popped_to_pc; /* POP of N registers with pc among them: so many more than N */
    int system;       /* MRS, MSR, ISB, DMB, DSB */
} pipeline_t;

static const pipeline_t three_stages = {3, 4, 4, 4}, two_stages = {2, 3, 3, 3};
static uint64_t passed; /* cycles with waits */

static void begin(void) { passed = 0; }

static uint64_t now(void) { return passed; }

static int cycles_of(const event_t *event, const pipeline_t *pipeline)
{
    const insn_t *insn = event->insn;
    switch (insn->kind) {
    case LOAD: case STORE: return 2;
    case LOADS: case STORES: return insn->count + (insn->marks & TO_PC ? pipeline->popped_to_pc : 1);
    case BRANCH: return event->is_taken ? pipeline->taken : 1;
    case JUMP: case INDIRECT: return pipeline->taken;
    case CALL: return pipeline->linked;
    case BARRIER: return pipeline->system;
    case SYSTEM: return insn->bytes == 4 ? pipeline->system : 1;
    default: return 1;
    }
}

static elapsed_t retire(const event_t *event, const pipeline_t *pipeline)
{
    const uint64_t core = (uint64_t)cycles_of(event, pipeline);
    const uint64_t with_waits = core + (uint64_t)(event->fetch_stall + event->data_stall);
    passed += with_waits;
    return (elapsed_t){core, with_waits};
}

static elapsed_t retire_m0(const event_t *event) { return retire(event, &three_stages); }
static elapsed_t retire_m0plus(const event_t *event) { return retire(event, &two_stages); }

const core_t core_m0 = {10, begin, now, retire_m0};
const core_t core_m0plus = {11, begin, now, retire_m0plus};
