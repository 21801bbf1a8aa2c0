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
    FLOAT_SUM = 3,     /* cycles for which VMLA and VFMA keep the FPU */
    FLOAT_QUOTIENT = 14
};

/* First cycles at which an instruction may execute that reads a register. */
typedef struct {
    uint64_t any;      /* as any operand */
    uint64_t sum;      /* in the accumulator of a multiplication */
    uint64_t extended; /* as what an extension (UXTAB) adds to */
    uint64_t stored;   /* as what a store stores */
} ready_t;

typedef struct {
    ready_t ready[REGISTERS];
    uint64_t now;
    uint64_t float_free; /* the FPU takes nothing before */
} account_t;

/* Cycles of an instruction, and of its results for their users. */
typedef struct {
    int cycles, any, sum, extended, stored;
} plan_t;

static plan_t simple(int cycles) { return (plan_t){cycles, 1, 1, 1, 1}; }
/* Two stages: only an accumulator and a store have the result without a wait. */
static plan_t two_stages(int cycles) { return (plan_t){cycles, 2, 1, 1, 1}; }
static plan_t loaded(int cycles) { return (plan_t){cycles, 2, 1, 2, 1}; }

static account_t accounts[2]; /* without and with waits for memories */
static const insn_t *before;
static bool was_taken, was_paired;

static void begin(void)
{
    memset(accounts, 0, sizeof accounts);
    before = NULL;
    was_taken = was_paired = false;
}

static uint64_t now(void) { return accounts[1].now; }

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
    case LOAD: return loaded(1 + is_unaligned(event) + to_pc);
    case STORE: case FLOAT_STORE: return simple(1);
    case FLOAT_LOAD: return simple(insn->count);
    case LOAD2: case STORE2: return loaded(2);
    default: return loaded((insn->count ? insn->count : 1) + to_pc);
    }
}

/* A constant that the shifter makes takes another cycle to write the flags; MOVS does not. */
static plan_t plan_of_operation(const insn_t *insn)
{
    const bool is_constant = insn->marks & SHIFTED && !insn->early;
    if (is_constant && insn->marks & SETS && insn->reads & CORE_REGISTERS) {
        return simple(2);
    }
    return insn->marks & SHIFTED ? two_stages(1) : simple(1);
}

/* Extensions with a sum may be chained by it; other operations on parts of registers may not. */
static plan_t plan_of_bits(const insn_t *insn)
{
    return insn->early ? two_stages(1) : (plan_t){1, 2, 2, 2, 1};
}

static plan_t plan_of(const event_t *event)
{
    const insn_t *insn = event->insn;
    switch (insn->kind) {
    case LOAD: case STORE: case LOAD2: case STORE2: case LOADS: case STORES:
    case FLOAT_LOAD: case FLOAT_STORE: case FLOAT_LOADS: case FLOAT_STORES:
        return plan_of_access(event);
    case ADD: case LOGIC: return plan_of_operation(insn);
    case MUL: return insn->marks & SETS ? simple(2) : two_stages(1);
    case MAC: case LONG: return two_stages(1);
    case BITS: return plan_of_bits(insn);
    case JUMP: case BRANCH: case COMPARE_BRANCH: return simple(branch_cycles(event));
    case CALL: return simple(event->is_taken ? TAKEN : 1);
    case INDIRECT: return simple(event->is_taken ? TO_REGISTER : 1);
    case TABLE: return simple(2 + LOADED_TO_PC);
    case IT: case NOP: return simple(may_pair(insn) ? 0 : 1);
    case BARRIER: return simple(4);
    case DIV: return simple(DIVISION);
    case FLOAT: return (plan_t){1, 2, 2, 2, 2};
    case FLOAT_MAC: return (plan_t){1, 4, 3, 4, 4};
    case FLOAT_DIV: return simple(FLOAT_QUOTIENT);
    default: return simple(1);
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

/* Returns when an instruction has a register that it reads. The flags are forwarded without a wait. */
static uint64_t operand_ready(const ready_t *ready, const insn_t *insn, registers_t operand)
{
    if (stores(insn)) {
        return operand & insn->address ? ready->any : ready->stored;
    }
    if (operand & insn->added) {
        return ready->sum;
    }
    return insn->kind == BITS && !(operand & insn->early) ? ready->extended : ready->any;
}

static uint64_t operands_ready(const account_t *account, const insn_t *insn)
{
    registers_t set = (insn->reads | (insn->address & CORE_REGISTERS)) & ~FLAGS;
    uint64_t time = is_float(insn) ? account->float_free : 0;
    for (; set; set &= set - 1) {
        time = later(time, operand_ready(&account->ready[__builtin_ctzll(set)], insn, set & -set));
    }
    return time;
}

/* Returns by how many cycles the end of all instructions moves on. */
static uint64_t retire_in(account_t *account, const event_t *event, plan_t plan, int fetch, int data)
{
    const insn_t *insn = event->insn;
    const uint64_t from = account->now;
    const uint64_t start = event->is_skipped ? from : later(from, operands_ready(account, insn));
    const uint64_t end = start + (uint64_t)plan.cycles;
    const uint64_t base = end + (uint64_t)data - 1;
    const ready_t ready = {base + (uint64_t)plan.any, base + (uint64_t)plan.sum, base + (uint64_t)plan.extended,
                           base + (uint64_t)plan.stored};
    put(account, insn->writes, ready);
    put(account, insn->back, (ready_t){end, end, end, end});
    if (insn->kind == FLOAT_MAC) {
        account->float_free = start + FLOAT_SUM;
    }
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

const core_t core_m33 = {33, begin, now, retire};
