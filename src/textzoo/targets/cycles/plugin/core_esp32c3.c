/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * The RV32IMC core of the ESP32-C3: one instruction a cycle, in order, four stages, no prediction of branches.
 *
 * Sources: measurements on an ESP32-C3 by github.com/timonvo/niccle (esp/src/bin, benchmarks of cycles) of branches, j,
 * loads, stores, sums and control registers. What they leave open: products as measured on the ESP32-C6, whose core is
 * a later one of the family (github.com/nilhoel1/LLTA-Bench); JALR as branches, which it resolves as late, and quotients
 * from a rate of divisions per second (wled/WLED, issue 4206) are assumed. Nothing is fitted to counts of programs. */
#include <string.h>

#include "model.h"

enum {
    TAKEN = 3,
    JUMPS = 2,
    TO_REGISTER = 3, /* 2 to 4 */
    LOADED = 2,      /* from the start of a load to that of what reads its result */
    UPPER_HALF = 2,  /* MULH and kin */
    QUOTIENT = 34    /* 33 to 35 */
};

typedef struct {
    uint64_t ready[REGISTERS]; /* first cycle at which an instruction may start that reads the register */
    uint64_t now;
} account_t;

static account_t accounts[2]; /* without and with waits for memories */

static void begin(void) { memset(accounts, 0, sizeof accounts); }

static uint64_t now(void) { return accounts[1].now; }

static int cycles_of(const event_t *event)
{
    switch (event->insn->kind) {
    case BRANCH: return event->is_taken ? TAKEN : 1;
    case JUMP: return JUMPS;
    case INDIRECT: return TO_REGISTER;
    case LONG: return UPPER_HALF;
    case DIV: return QUOTIENT;
    default: return 1;
    }
}

static uint64_t operands_ready(const account_t *account, const insn_t *insn)
{
    uint64_t time = account->now;
    for (registers_t set = insn->reads | insn->address; set; set &= set - 1) {
        time = later(time, account->ready[__builtin_ctzll(set)]);
    }
    return time;
}

/* Returns by how many cycles the end of all instructions moves on. */
static uint64_t retire_in(account_t *account, const event_t *event, int waits)
{
    const insn_t *insn = event->insn;
    const uint64_t from = account->now;
    const uint64_t start = operands_ready(account, insn) + (uint64_t)waits;
    const uint64_t end = start + (uint64_t)cycles_of(event);
    for (registers_t set = insn->writes; set; set &= set - 1) {
        account->ready[__builtin_ctzll(set)] = insn->kind == LOAD ? start + LOADED : end;
    }
    account->now = end;
    return end - from;
}

static elapsed_t retire(const event_t *event)
{
    elapsed_t elapsed;
    elapsed.core = retire_in(&accounts[0], event, 0);
    elapsed.cycles = retire_in(&accounts[1], event, event->fetch_stall + event->data_stall);
    return elapsed;
}

const core_t core_esp32c3 = {203, begin, now, retire};
