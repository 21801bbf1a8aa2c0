/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Cortex-M33: one instruction a cycle, in order, three stages; some pairs of 16-bit instructions.
 *
 * Source: jnk0le/random, "pipeline cycle test", measured on RP2350. Nothing is fitted. */
#include <string.h>

#include "model.h"

enum {
    TAKEN = 2,         /* cycles of a taken branch that is not paired */
    TO_REGISTER = 3,   /* of BX, BLX */
    LOADED_TO_PC = 3,  /* further cycles of a load to pc */
    DIVISION = 6,
    FLOAT_SUM = 3,
    FLOAT_QUOTIENT = 14
};

/* First cycles at which an instruction may execute that reads a register. */
typedef struct {
    uint64_t any, sum, stored; /* as any operand, in the accumulator, as what a store stores */
} ready_t;

typedef struct {
    ready_t ready[REGISTERS];
    uint64_t now;
} account_t;

/* Cycles of an instruction, and of its results for their users. */
typedef struct {
    int cycles, any, sum, stored;
} plan_t;

static account_t accounts[2]; /* without and with waits for memories */
static const insn_t *before;
static bool was_taken, was_paired;

static void begin(void)
{
    memset(accounts, 0, sizeof accounts);
    before = NULL;
    was_taken = was_paired = false;
}

/* Whether this instruction and the one before may execute in one cycle. */
static bool may_pair(const insn_t *insn)
{
    return insn->bytes == 2 && before && before->bytes == 2 && !was_taken && !was_paired;
}

static int branch_cycles(const event_t *event)
{
    const insn_t *insn = event->insn;
    if (!event->is_taken) {
        return may_pair(insn) ? 0 : 1;
    }
    const bool is_paired = may_pair(insn) && !(before->marks & SETS) && insn->kind != COMPARE_BRANCH;
    return is_paired ? 1 : TAKEN;
}

static plan_t plan_of_access(const event_t *event)
{
    const insn_t *insn = event->insn;
    const int to_pc = insn->marks & TO_PC ? LOADED_TO_PC : 0;
    switch (insn->kind) {
    case LOAD: return (plan_t){1 + is_unaligned(event) + to_pc, 2, 1, 1};
    case STORE: case FLOAT_STORE: return (plan_t){1, 1, 1, 1};
    case FLOAT_LOAD: return (plan_t){insn->count, 1, 1, 1};
    case LOAD2: case STORE2: return (plan_t){2, 2, 1, 1};
    default: return (plan_t){(insn->count ? insn->count : 1) + to_pc, 2, 1, 1};
    }
}

static plan_t plan_of(const event_t *event)
{
    const insn_t *insn = event->insn;
    switch (insn->kind) {
    case LOAD: case STORE: case LOAD2: case STORE2: case LOADS: case STORES:
    case FLOAT_LOAD: case FLOAT_STORE: case FLOAT_LOADS: case FLOAT_STORES:
        return plan_of_access(event);
    case MUL: return (plan_t){insn->marks & SETS ? 2 : 1, 2, 1, 1};
    case MAC: case LONG: return (plan_t){1, 2, 1, 1};
    case BITS: return (plan_t){1, 2, insn->early && !insn->added ? 1 : 2, 1};
    case ADD: case LOGIC: return (plan_t){1, insn->marks & SHIFTED ? 2 : 1, 1, 1};
    case JUMP: case BRANCH: case COMPARE_BRANCH: return (plan_t){branch_cycles(event), 1, 1, 1};
    case CALL: return (plan_t){event->is_taken ? TAKEN : 1, 1, 1, 1};
    case INDIRECT: return (plan_t){event->is_taken ? TO_REGISTER : 1, 1, 1, 1};
    case TABLE: return (plan_t){2 + LOADED_TO_PC, 1, 1, 1};
    case IT: case NOP: return (plan_t){may_pair(insn) ? 0 : 1, 1, 1, 1};
    case BARRIER: return (plan_t){4, 1, 1, 1};
    case DIV: return (plan_t){DIVISION, 1, 1, 1};
    case FLOAT: return (plan_t){1, 2, 1, 1};
    case FLOAT_MAC: return (plan_t){FLOAT_SUM, 1, 1, 1};
    case FLOAT_DIV: return (plan_t){FLOAT_QUOTIENT, 1, 1, 1};
    default: return (plan_t){1, 1, 1, 1};
    }
}

static void put(account_t *account, registers_t set, ready_t ready)
{
    for (; set; set &= set - 1) {
        account->ready[__builtin_ctzll(set)] = ready;
    }
}

static bool stores(const insn_t *insn)
{
    return insn->kind == STORE || insn->kind == STORE2 || insn->kind == STORES || insn->kind == FLOAT_STORE;
}

/* Operands that are needed a cycle later than the others. */
static registers_t late_operands(const insn_t *insn)
{
    if (stores(insn)) {
        return insn->reads & ~insn->address;
    }
    return insn->added | (insn->kind == BITS ? insn->reads & ~insn->early : 0);
}

/* The flags are forwarded without a wait. */
static uint64_t operands_ready(const account_t *account, const insn_t *insn)
{
    const registers_t late = late_operands(insn) & ~FLAGS;
    registers_t set = (insn->reads | (insn->address & CORE_REGISTERS)) & ~FLAGS;
    uint64_t time = 0;
    for (; set; set &= set - 1) {
        const int number = __builtin_ctzll(set);
        const ready_t *ready = &account->ready[number];
        const bool is_late = late >> number & 1;
        time = later(time, !is_late ? ready->any : stores(insn) ? ready->stored : ready->sum);
    }
    return time;
}

static uint64_t retire_in(account_t *account, const event_t *event, plan_t plan, int fetch, int data)
{
    const uint64_t from = account->now;
    const uint64_t start = event->is_skipped ? from : later(from, operands_ready(account, event->insn));
    const uint64_t end = start + (uint64_t)plan.cycles;
    const uint64_t base = end + (uint64_t)data - 1;
    const ready_t ready = {base + (uint64_t)plan.any, base + (uint64_t)plan.sum, base + (uint64_t)plan.stored};
    put(account, event->insn->writes, ready);
    put(account, event->insn->back, (ready_t){end, end, end});
    account->now = end + (uint64_t)(fetch + data);
    return account->now - from;
}

static elapsed_t retire(const event_t *event)
{
    const insn_t *insn = event->insn;
    plan_t plan = plan_of(event);
    if (event->is_skipped) {
        plan.cycles = 1;
    }
    elapsed_t elapsed;
    elapsed.core = retire_in(&accounts[0], event, plan, 0, 0);
    elapsed.cycles = retire_in(&accounts[1], event, plan, event->fetch_stall, event->data_stall);
    was_paired = plan.cycles == 0;
    was_taken = event->is_taken;
    before = insn;
    return elapsed;
}

const core_t core_m33 = {33, begin, retire};
