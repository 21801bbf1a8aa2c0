/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Cortex-M7: two instructions a cycle, in order; a result is ready at different times for different users.
 *
 * Sources: jnk0le/random, "pipeline cycle test", measured on STM32H743; quinapalus.com/cm7cycles.html, measured on
 * STM32H730; SLOTHY's model of Cortex-M7. Chosen on published CoreMark counts, because no source gives them: the
 * penalty of a wrong prediction, the history of the predictor, the cost of a return, and the wait of a load behind a
 * store to the same word. */
#include <string.h>

#include "model.h"

enum {
    WRONG_GUESS = 7,
    KNOWN_EARLY = 2,    /* less, if the flags were written so long before: */
    EARLY_FLAGS = 3,    /* cycles */
    HISTORY = 8,        /* outcomes of branches that the predictor tells apart */
    RETURN = 1,         /* further cycle of a jump to an address from a register or memory */
    DIVISION = 6,       /* 2 to 12, by value */
    FLOAT_QUOTIENT = 16,
    BARRIERS = 10,
    SYSTEMS = 2,
    UNALIGNED = 3,
    FETCHED = 8,        /* bytes of instructions a cycle */
    RECENT = 8,         /* stores that are remembered, and cycles for which they are */
    BEHIND_STORE = 3,   /* cycles until a load from the same double word has what was stored */
    COUNTERS = 1 << 16,
    TARGETS = 4096
};

/* First cycles at which an instruction may issue that reads a register. */
typedef struct {
    uint64_t early;  /* in the first ALU, the shifter, or for an address */
    uint64_t late;   /* in the second ALU */
    uint64_t factor; /* in the multiplier */
    uint64_t sum;    /* in the accumulator */
    uint64_t stored; /* as what a store stores */
} ready_t;

typedef struct {
    uint32_t address;
    uint64_t time; /* 0: none */
} recent_t;

/* One account of cycles. */
typedef struct {
    ready_t ready[REGISTERS];
    uint64_t issued;        /* cycle of the last instruction */
    int slots;              /* instructions of that cycle */
    const insn_t *older;    /* the first of them */
    uint32_t older_address; /* of its access to memory */
    uint64_t free_from;     /* nothing may issue before */
    uint64_t fetch_start;   /* cycle at which the instructions since the last jump began to come, */
    uint32_t fetch_pc;      /* from this address */
    uint64_t flags_time;    /* cycle of the last instruction that wrote the flags */
    recent_t recent[RECENT];
    int next_recent;
} pipe_t;

static pipe_t pipes[2]; /* without and with waits for memories */
static bool has_begun;
static uint8_t counters[COUNTERS];
static bool has_counters;
static uint32_t history, targets[TARGETS];

static void begin(void)
{
    memset(pipes, 0, sizeof pipes);
    history = 0;
    has_begun = false;
    if (!has_counters) {
        memset(counters, 2, sizeof counters); /* weakly taken */
        has_counters = true;
    }
}

static uint64_t now(void) { return later(pipes[1].issued, pipes[1].free_from); }

/* A branch's outcome by two-bit counters under its address and the last outcomes ("gshare"). */
static bool is_wrong_branch(const event_t *event)
{
    const uint32_t hashed = (event->insn->pc >> 1) * 2654435761u >> 16;
    const uint32_t place = (hashed ^ history * 40503u) % COUNTERS;
    const bool guess = counters[place] >= 2;
    if (event->is_taken && counters[place] < 3) {
        ++counters[place];
    } else if (!event->is_taken && counters[place] > 0) {
        --counters[place];
    }
    history = (history << 1 | event->is_taken) & ((1u << HISTORY) - 1);
    return guess != event->is_taken;
}

/* A computed jump is expected to go where it went before. */
static bool is_wrong_target(const event_t *event)
{
    uint32_t *target = &targets[(event->insn->pc >> 1) % TARGETS];
    const bool is_wrong = event->is_taken && *target != event->next;
    if (event->is_taken) {
        *target = event->next;
    }
    return is_wrong;
}

static bool jumps_by_value(const insn_t *insn)
{
    return insn->kind == INDIRECT || insn->kind == TABLE || insn->marks & TO_PC;
}

static bool is_branch(const insn_t *insn) { return insn->kind == BRANCH || insn->kind == COMPARE_BRANCH; }

static bool is_wrong(const event_t *event)
{
    if (is_branch(event->insn)) {
        return is_wrong_branch(event);
    }
    return jumps_by_value(event->insn) && is_wrong_target(event);
}

/* --- pairs --- */

static bool issues_alone(const insn_t *insn)
{
    switch (insn->kind) {
    case LOAD2: case STORE2: case LOADS: case STORES: case FLOAT_LOADS: case FLOAT_STORES:
    case BARRIER: case DIV: case SYSTEM: case TABLE: return true;
    default: return false;
    }
}

static bool multiplies(const insn_t *insn) { return is_kind(insn, MUL, LONG); }
static bool stores(const insn_t *insn) { return insn->kind == STORE || insn->kind == FLOAT_STORE; }
static bool loads(const insn_t *insn) { return insn->kind == LOAD || insn->kind == FLOAT_LOAD; }
static bool jumps(const insn_t *insn) { return is_kind(insn, JUMP, COMPARE_BRANCH); }
static bool is_in_bits(const insn_t *insn) { return is_kind(insn, EXTRACT, INSERT); }
static bool computes_floats(const insn_t *insn) { return is_kind(insn, FLOAT, FLOAT_DIV); }

/* Whether two instructions need the same unit. */
static bool compete(const insn_t *older, const insn_t *younger)
{
    const bool multiplier = multiplies(older) && multiplies(younger);
    const bool store_port = (multiplies(older) || stores(older)) && (multiplies(younger) || stores(younger));
    const bool branch = jumps(older) && jumps(younger);
    const bool floats = computes_floats(older) && computes_floats(younger);
    const bool same = older->kind == younger->kind && (older->kind == IT || older->kind == FLOAT_MOVE);
    return multiplier || store_port || branch || floats || same;
}

/* Only the older instruction has the shifter. */
static bool compete_for_shifter(const insn_t *older, const insn_t *younger)
{
    const bool is_taken = is_in_bits(older) || older->marks & SHIFTED;
    return is_in_bits(younger) || (is_taken && younger->marks & SHIFTED);
}

/* Two loads need different banks of 4 bytes. */
static bool same_bank(const pipe_t *pipe, const insn_t *younger, uint32_t address)
{
    return loads(pipe->older) && loads(younger) && ((pipe->older_address ^ address) & 4) == 0;
}

static bool pairs(const pipe_t *pipe, const insn_t *younger, uint32_t address)
{
    const insn_t *older = pipe->older;
    if (older->kind == NOP || younger->kind == NOP) {
        return true;
    }
    if (issues_alone(older) || issues_alone(younger) || compete(older, younger)) {
        return false;
    }
    const bool same_result = (older->writes & younger->writes & ~FLAGS) != 0 && younger->kind != ADD;
    return !compete_for_shifter(older, younger) && !same_bank(pipe, younger, address) && !same_result;
}

/* --- operands --- */

#define LATEST(pipe, set, member) latest(pipe, set, offsetof(ready_t, member))

static uint64_t latest(const pipe_t *pipe, registers_t set, size_t member)
{
    uint64_t time = 0;
    for (; set; set &= set - 1) {
        const char *ready = (const char *)&pipe->ready[__builtin_ctzll(set)];
        time = later(time, *(const uint64_t *)(const void *)(ready + member));
    }
    return time;
}

static uint64_t operands_ready(const pipe_t *pipe, const event_t *event)
{
    const insn_t *insn = event->insn;
    const registers_t others = insn->reads & ~insn->early & ~insn->added & ~insn->address;
    uint64_t time = LATEST(pipe, insn->early, early);
    if (!event->is_skipped) {
        time = later(time, LATEST(pipe, insn->address & CORE_REGISTERS, early));
    }
    switch (insn->kind) {
    case MUL: case MAC: case LONG:
        time = later(time, LATEST(pipe, others, factor));
        return later(time, LATEST(pipe, insn->added, sum));
    case STORE: case STORE2: case STORES: case FLOAT_STORE: case FLOAT_STORES:
        return later(time, LATEST(pipe, insn->reads & ~insn->address, stored));
    case INDIRECT: return later(time, LATEST(pipe, others, early));
    case JUMP: case CALL: case BRANCH: case COMPARE_BRANCH: return time; /* predicted */
    default: return later(time, LATEST(pipe, others | insn->added, late));
    }
}

/* Whether the first ALU can compute it, so that its result is ready a cycle earlier. */
static bool computes_early(const pipe_t *pipe, const insn_t *insn, uint64_t now, bool is_younger)
{
    const bool is_ready = LATEST(pipe, insn->reads & CORE_REGISTERS, early) <= now;
    const bool shifter_taken = is_younger && (is_in_bits(pipe->older) || pipe->older->marks & SHIFTED);
    switch (insn->kind) {
    case ADD:
        return !(insn->marks & SHIFTED) && !is_younger && is_ready && LATEST(pipe, insn->reads & FLAGS, late) <= now;
    case SHIFT: return is_ready && !shifter_taken;
    case EXTRACT: return true;
    default: return false;
    }
}

/* --- results --- */

static ready_t after(uint64_t time, int early, int late, int factor, int sum, int stored)
{
    return (ready_t){time + (uint64_t)early, time + (uint64_t)late, time + (uint64_t)factor, time + (uint64_t)sum,
                     time + (uint64_t)stored};
}

static ready_t result_of(const insn_t *insn, uint64_t time, bool is_early)
{
    switch (insn->kind) {
    case MUL: case MAC: case LONG: return after(time, 3, 2, 2, 1, 2);
    case LOAD: case FLOAT_LOAD:
        return insn->marks & NARROW_ACCESS ? after(time, 3, 2, 2, 1, 0) : after(time, 2, 1, 2, 1, 0);
    case LOAD2: case LOADS: return after(time, 2, 1, 2, 1, 0);
    case EXTRACT: return after(time, 2, 0, 1, 0, 0);
    case ADD: case SHIFT: return is_early ? after(time, 1, 0, 1, 0, 0) : after(time, 2, 1, 1, 0, 0);
    case FLOAT: return after(time, 3, 3, 3, 2, 1);
    case FLOAT_MAC: return after(time, 5, 5, 5, 3, 3);
    case FLOAT_DIV: return after(time, 3, 3, 3, 3, 3);
    case FLOAT_MOVE: case FLOAT_LOADS: return after(time, 3, 2, 2, 2, 1);
    default: return after(time, 2, 1, 1, 0, 0);
    }
}

static void put(pipe_t *pipe, registers_t set, ready_t ready)
{
    for (; set; set &= set - 1) {
        pipe->ready[__builtin_ctzll(set)] = ready;
    }
}

/* STM stores double words: an even number of registers off 8 bytes takes one more. */
static bool is_off_double_word(const event_t *event)
{
    const insn_t *insn = event->insn;
    return insn->kind == STORES && insn->count % 2 == 0 && event->access_count && event->accesses[0].address % 8;
}

/* Cycles for which an instruction keeps the pipeline. */
static int length_of(const event_t *event)
{
    const insn_t *insn = event->insn;
    switch (insn->kind) {
    case LOAD2: case STORE2: case LOADS: case STORES: case FLOAT_LOADS: case FLOAT_STORES:
        return (insn->count > 2 ? (insn->count + 1) / 2 : 1) + is_off_double_word(event);
    case LOAD: return is_unaligned(event) ? 1 + UNALIGNED : 1;
    case DIV: return DIVISION;
    case FLOAT_DIV: return FLOAT_QUOTIENT;
    case BARRIER: return BARRIERS;
    case SYSTEM: return SYSTEMS;
    default: return 1;
    }
}

/* Cycles by which a load waits for a recent store to the same double word; a store is remembered. */
static uint64_t behind_store(pipe_t *pipe, const event_t *event, uint64_t now, int length)
{
    if (event->access_count == 0) {
        return 0;
    }
    const access_t *access = &event->accesses[0];
    if (access->is_store) {
        pipe->recent[pipe->next_recent] = (recent_t){access->address, now + 1};
        pipe->next_recent = (pipe->next_recent + 1) % RECENT;
        return 0;
    }
    uint64_t wait = 0;
    const uint64_t ready = now + (uint64_t)length - 1;
    for (int index = 0; index < RECENT; ++index) {
        const recent_t *store = &pipe->recent[index];
        if (store->time && store->address >> 3 == access->address >> 3 && store->time + RECENT > now) {
            const uint64_t until = store->time + BEHIND_STORE;
            wait += until > ready ? until - ready : 0;
        }
    }
    return wait;
}

/* --- issue --- */

/* Returns the cycle at which the instruction's last byte is there. */
static uint64_t fetched(pipe_t *pipe, const event_t *event, int stall)
{
    const insn_t *insn = event->insn;
    const uint32_t end = insn->pc + insn->bytes - 1;
    const uint64_t time = pipe->fetch_start + (end / FETCHED - pipe->fetch_pc / FETCHED);
    if (stall == 0) {
        return time;
    }
    pipe->free_from = later(pipe->free_from, later(pipe->issued + 1, time) + (uint64_t)stall);
    pipe->fetch_start = pipe->free_from;
    pipe->fetch_pc = insn->pc;
    return pipe->free_from;
}

/* Returns the cycle at which the instruction issues, which is then the pipe's; says whether it is the younger of two. */
static uint64_t issue(pipe_t *pipe, const event_t *event, uint64_t there, bool *is_younger)
{
    const uint32_t address = event->access_count ? event->accesses[0].address : 0;
    uint64_t time = later(pipe->issued + (pipe->slots >= 2), later(pipe->free_from, there));
    time = later(time, operands_ready(pipe, event));
    *is_younger = false;
    if (time == pipe->issued && pipe->slots == 1) {
        *is_younger = pairs(pipe, event->insn, address);
        time += !*is_younger;
    }
    if (time > pipe->issued) {
        pipe->issued = time;
        pipe->slots = 0;
        pipe->older = NULL;
    }
    if (pipe->slots == 0) {
        pipe->older = event->insn;
        pipe->older_address = address;
    }
    return time;
}

static void jump(pipe_t *pipe, const event_t *event, uint64_t last, uint64_t issued, bool wrong)
{
    const insn_t *insn = event->insn;
    const bool is_known = pipe->flags_time + EARLY_FLAGS <= issued;
    const uint64_t penalty = is_known ? WRONG_GUESS - KNOWN_EARLY : WRONG_GUESS;
    if (wrong) {
        pipe->free_from = later(pipe->free_from, last + penalty);
        pipe->fetch_start = event->is_taken ? last + penalty : pipe->free_from;
        pipe->fetch_pc = event->next;
    } else if (event->is_taken) {
        pipe->fetch_start = last + 1;
    }
    if (event->is_taken) {
        if (jumps_by_value(insn)) {
            pipe->free_from = later(pipe->free_from, last + RETURN);
            pipe->fetch_start = later(pipe->fetch_start, last + RETURN);
        }
        pipe->fetch_pc = event->next;
    }
}

/* Returns by how many cycles the last issue moves on. */
static uint64_t retire_in(pipe_t *pipe, const event_t *event, int fetch, int data, bool wrong)
{
    const insn_t *insn = event->insn;
    const uint64_t before = pipe->issued;
    bool is_younger;
    const uint64_t now = issue(pipe, event, fetched(pipe, event, fetch), &is_younger);
    const bool is_early = computes_early(pipe, insn, now, is_younger);
    const int length = length_of(event);
    const uint64_t last = now + (uint64_t)length - 1;
    const uint64_t wait = behind_store(pipe, event, now, length) + (uint64_t)data;
    if (wait) {
        pipe->free_from = later(pipe->free_from, now + wait);
    }
    put(pipe, insn->writes, result_of(insn, last + wait, is_early));
    if (insn->marks & SETS) {
        if (insn->kind == ADD || insn->kind == SHIFT || insn->kind == EXTRACT) {
            pipe->ready[FLAGS_NUMBER].late = last + wait + 1;
        }
        pipe->flags_time = now;
    }
    put(pipe, insn->back, after(now + (uint64_t)length, 0, 0, 0, 0, 0));
    if (length > 1) {
        pipe->issued = last;
        pipe->slots = 2;
    }
    ++pipe->slots;
    jump(pipe, event, last, now, wrong);
    return pipe->issued - before;
}

static elapsed_t retire(const event_t *event)
{
    const bool wrong = is_wrong(event);
    elapsed_t elapsed;
    if (!has_begun) {
        pipes[0].fetch_pc = pipes[1].fetch_pc = event->insn->pc;
        has_begun = true;
    }
    elapsed.core = retire_in(&pipes[0], event, 0, 0, wrong);
    elapsed.cycles = retire_in(&pipes[1], event, event->fetch_stall, event->data_stall, wrong);
    return elapsed;
}

const core_t core_m7 = {7, begin, now, retire};
