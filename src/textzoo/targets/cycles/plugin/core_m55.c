/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Cortex-M55: one instruction a cycle, in order; some pairs of 16-bit instructions. A vector takes a pipe for two cycles
 * ("beats"), while the next instruction may begin on another one.
 *
 * Source: LLVM's scheduling model (llvm/lib/Target/ARM/ARMScheduleM55.td), which people of Arm wrote: latencies, pipes,
 * pairs. What a scheduler need not know is assumed, each with its range: what a jump costs, how many cycles lists take,
 * what a division takes, that loops (LE) cost nothing. That stored data is needed a cycle later, as on a Cortex-M33, was
 * chosen after a comparison with one count on silicon (docs/explanations/cycles.md). */
#include <string.h>

#include "model.h"

enum {
    BEATS = 2,     /* cycles for which a vector keeps its pipe */
    ADDRESSES = 4, /* cycles that a vector of addresses waits longer */
    TAKEN = 3,     /* 2 to 4; LLVM's penalty of a branch */
    STARTED = 2,   /* DLS, WLS: 1 to 3 */
    DIVISION = 6,  /* 2 to 12, by value */
    FLOAT_QUOTIENT = 16
};

typedef enum { SCALAR, TRANSFER, INTEGER, MULTIPLY, CONTROL, PIPES } pipe_t;

typedef struct {
    uint64_t ready[REGISTERS]; /* first cycle at which an instruction may begin that reads the register */
    uint64_t free[PIPES];
    uint64_t now;
} account_t;

/* Of an instruction: cycles until the next one may begin, latency of its result, cycles for which it keeps its pipe. */
typedef struct {
    int cycles, latency, busy;
    pipe_t pipe;
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

static uint64_t now(void) { return accounts[1].now; }

static plan_t scalar(int cycles, int latency) { return (plan_t){cycles, latency, cycles, SCALAR}; }
static plan_t vector(pipe_t pipe, int latency) { return (plan_t){1, latency, BEATS, pipe}; }
static plan_t floating(pipe_t pipe, int latency) { return (plan_t){1, latency, 1, pipe}; }

static int half(int count) { return count > 1 ? (count + 1) / 2 : 1; }

static plan_t plan_of_transfer(const insn_t *insn)
{
    const int jump = insn->marks & TO_PC ? TAKEN - 1 : 0; /* lists move 64 bits a cycle: 1 to 2 a register */
    switch (insn->kind) {
    case LOAD: return scalar(1 + jump, 2);
    case STORE: return scalar(1, 1);
    case LOAD2: case STORE2: return scalar(1, 2);
    case LOADS: case STORES: return scalar(half(insn->count) + jump, half(insn->count) + 1);
    case FLOAT_LOAD: return floating(TRANSFER, 2);
    case FLOAT_STORE: return floating(TRANSFER, 1);
    case FLOAT_LOADS: case FLOAT_STORES:
        return (plan_t){half(insn->count), half(insn->count) + 1, half(insn->count), TRANSFER};
    default: return vector(TRANSFER, insn->count); /* vectors */
    }
}

static plan_t plan_of_jump(const event_t *event)
{
    switch (event->insn->kind) {
    case LOOP: return scalar(event->is_taken ? 0 : 1, 1);
    case LOOP_START: return scalar(STARTED, STARTED);
    case TABLE: return scalar(TAKEN + 1, 1);
    default: return scalar(event->is_taken ? TAKEN : 1, 1);
    }
}

/* An extension alone takes a cycle; with a sum, and other operations on parts of registers, the result is later. */
static bool is_extension(const insn_t *insn) { return insn->kind == BITS && insn->early == insn->reads; }

static plan_t plan_of(const event_t *event)
{
    const insn_t *insn = event->insn;
    switch (insn->kind) {
    case LOAD: case STORE: case LOAD2: case STORE2: case LOADS: case STORES:
    case FLOAT_LOAD: case FLOAT_STORE: case FLOAT_LOADS: case FLOAT_STORES: case VECTOR_LOAD: case VECTOR_STORE:
        return plan_of_transfer(insn);
    case JUMP: case BRANCH: case COMPARE_BRANCH: case CALL: case INDIRECT: case TABLE: case LOOP: case LOOP_START:
        return plan_of_jump(event);
    case ADD: case LOGIC: return scalar(1, insn->marks & SHIFTED && insn->early ? 2 : 1);
    case SHIFT: return scalar(1, insn->count ? insn->count : 1);
    case BITS: return scalar(1, is_extension(insn) ? 1 : 2);
    case MUL: case MAC: case LONG: case EXTRACT: return scalar(1, 2);
    case DIV: return scalar(DIVISION, DIVISION);
    case BARRIER: return scalar(4, 1);
    case VECTOR_INT: return vector(INTEGER, insn->count);
    case VECTOR_MUL: return vector(MULTIPLY, insn->count);
    case VECTOR_CONTROL: return floating(CONTROL, 1);
    case FLOAT: return floating(MULTIPLY, 2);
    case FLOAT_MAC: return floating(MULTIPLY, 4);
    case FLOAT_DIV: return (plan_t){1, FLOAT_QUOTIENT, FLOAT_QUOTIENT, MULTIPLY};
    case FLOAT_MOVE: return floating(MULTIPLY, 2);
    default: return scalar(1, 1);
    }
}

/* The second of a pair: NOP, IT, branches, extensions, moves, and sums with a constant, of 16 bits. */
static bool is_light(const insn_t *insn)
{
    const registers_t operands = insn->reads & CORE_REGISTERS;
    switch (insn->kind) {
    case NOP: case IT: case BRANCH: return true;
    case BITS: return is_extension(insn);
    case ADD: return (operands & (operands - 1)) == 0;
    default: return false;
    }
}

static bool may_pair(const insn_t *insn)
{
    if (insn->bytes != 2 || before == NULL || before->bytes != 2 || was_taken || was_paired) {
        return false;
    }
    const bool is_independent = (before->writes & (insn->reads | insn->address | insn->writes) & ~FLAGS) == 0;
    return is_independent && (is_light(insn) || is_light(before));
}

static bool stores(const insn_t *insn)
{
    return insn->kind == STORE || insn->kind == STORE2 || insn->kind == STORES || insn->kind == VECTOR_STORE;
}

/* Vectors of addresses are needed earlier than other operands. */
static int earlier(const insn_t *insn, registers_t operand)
{
    const bool is_vector = insn->kind == VECTOR_LOAD || insn->kind == VECTOR_STORE;
    return is_vector && operand & insn->address & FLOAT_REGISTERS ? ADDRESSES : 0;
}

/* What a store stores is needed a cycle later than its address; for registers of the core as on the Cortex-M33. */
static uint64_t operands_ready(const account_t *account, const insn_t *insn)
{
    const registers_t late = stores(insn) ? insn->reads & ~insn->address : 0;
    uint64_t time = 0;
    for (registers_t set = insn->reads | insn->address; set; set &= set - 1) {
        const uint64_t ready = account->ready[__builtin_ctzll(set)];
        const uint64_t needed = set & -set & late && ready ? ready - 1 : ready;
        time = later(time, needed + (uint64_t)earlier(insn, set & -set));
    }
    return time;
}

/* Returns by how many cycles the end of all instructions moves on. */
static uint64_t retire_in(account_t *account, const event_t *event, plan_t plan, int waits)
{
    const insn_t *insn = event->insn;
    const uint64_t from = account->now;
    uint64_t start = later(from, account->free[plan.pipe]);
    if (!event->is_skipped) {
        start = later(start, operands_ready(account, insn));
    }
    start += (uint64_t)waits;
    for (registers_t set = insn->writes; set; set &= set - 1) {
        account->ready[__builtin_ctzll(set)] = start + (uint64_t)plan.latency;
    }
    for (registers_t set = insn->back; set; set &= set - 1) {
        account->ready[__builtin_ctzll(set)] = start + 1;
    }
    account->free[plan.pipe] = start + (uint64_t)plan.busy;
    account->now = start + (uint64_t)plan.cycles;
    return account->now - from;
}

static elapsed_t retire(const event_t *event)
{
    const insn_t *insn = event->insn;
    plan_t plan = plan_of(event);
    if (event->is_skipped) {
        plan = scalar(1, 1);
    }
    const bool pairs = plan.pipe == SCALAR && plan.cycles == 1 && may_pair(insn);
    plan.cycles -= pairs;
    plan.busy -= pairs;
    elapsed_t elapsed;
    elapsed.core = retire_in(&accounts[0], event, plan, 0);
    elapsed.cycles = retire_in(&accounts[1], event, plan, event->fetch_stall + event->data_stall);
    was_paired = pairs;
    was_taken = event->is_taken;
    before = insn;
    return elapsed;
}

const core_t core_m55 = {55, begin, now, retire};
