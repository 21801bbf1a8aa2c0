/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * What the parts of the plugin share. */
#ifndef TZ_MODEL_H
#define TZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kinds.h"

/* Sets of registers. Arm: bits 0 to 15 are r0 to r15, bit 16 the flags, bits 32 to 63 s0 to s31. RISC-V: bits 0 to 31
 * are x0 to x31, and none is ever the base that track.c follows. */
typedef uint64_t registers_t;
#define CORE_REGISTERS 0xFFFFull
#define FLAGS (1ull << 16)
#define FLOAT_REGISTERS 0xFFFFFFFF00000000ull
enum { REGISTERS = 64, FLAGS_NUMBER = 16 };

/* Marks of an instruction, as thumb.py explains them. */
enum {
    SETS = 1,         /* writes the flags */
    SHIFTED = 2,      /* second operand through the shifter */
    OFFSET = 4,       /* address with a register as offset */
    NARROW_ACCESS = 8, /* transfers less than 32 bits */
    TO_PC = 16,
    CONDITIONAL = 32, /* within an IT block */
    CALLS = 64,
    WRITES_BACK = 128,
    AFTER = 256       /* the address is changed behind the access */
};

/* Costs: instructions, cycles without waits for memories, cycles with them, the waits. */
typedef struct {
    uint64_t instructions, core, cycles, fetch_stalls, data_stalls;
} cost_t;

typedef struct {
    uint32_t pc;
    uint8_t bytes, kind, count; /* count: words that are transferred; of vectors, the latency of the result */
    uint16_t marks;
    int16_t span;               /* number + 1 of the span that begins here; 0 for none */
    int16_t end;                /* number + 1 of the span that ends here */
    registers_t reads, writes, early, added, address, back;
    uint32_t base;              /* number of the register of an address, or of a sum with a constant; 255: none */
    int32_t distance;           /* from it, in bytes */
    cost_t cost;                /* of all executions within spans */
} insn_t;

typedef struct {
    uint32_t address;
    uint8_t bytes;
    bool is_store;
} access_t;

enum { MOST_ACCESSES = 64 }; /* of one instruction */

/* An executed instruction. */
typedef struct {
    insn_t *insn;
    uint32_t next;       /* address of the instruction after it */
    bool is_taken;       /* next is not the following address */
    bool is_skipped;     /* an access to memory whose condition failed */
    const access_t *accesses;
    int access_count;
    int fetch_stall, data_stall; /* cycles */
} event_t;

/* Cycles by which an instruction moves the end of all before it. */
typedef struct {
    uint64_t core, cycles;
} elapsed_t;

/* The rules of a core. */
typedef struct {
    int number;
    void (*begin)(void);                        /* nothing is in the pipeline */
    uint64_t (*now)(void);                      /* cycles since then, waits included, that are certain to pass */
    elapsed_t (*retire)(const event_t *event);
} core_t;

extern const core_t core_m0, core_m0plus, core_m4, core_m7, core_m33, core_m55, core_esp32c3;

static inline bool is_kind(const insn_t *insn, kind_t first, kind_t last)
{
    return insn->kind >= first && insn->kind <= last;
}

static inline bool is_float(const insn_t *insn) { return is_kind(insn, FLOAT, FLOAT_STORES); }

static inline bool accesses_memory(const insn_t *insn)
{
    return is_kind(insn, LOAD, STORES) || is_kind(insn, FLOAT_LOAD, FLOAT_STORES) ||
           is_kind(insn, VECTOR_LOAD, VECTOR_STORE) || insn->kind == TABLE;
}

static inline bool is_unaligned(const event_t *event)
{
    return event->access_count > 0 && event->accesses[0].address % event->accesses[0].bytes != 0;
}

static inline uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* cache.c: a set-associative cache that replaces the line used longest ago. */
typedef struct {
    uint32_t sets, ways, shift; /* a line has 2^shift bytes; sets == 0: no cache, nothing is ever found */
    uint32_t *lines;            /* (sets, ways) numbers of lines */
    uint64_t *used;             /* (sets, ways) times of the last use; 0: empty */
    uint64_t *ready;            /* (sets, ways) cycles from which a line is there */
} cache_t;

bool cache_make(cache_t *cache, uint32_t lines, uint32_t ways, uint32_t shift);
bool cache_has(const cache_t *cache, uint32_t address);
bool cache_use(cache_t *cache, uint32_t address); /* true: it was there; else it is now */
uint64_t *cache_ready(cache_t *cache, uint32_t address); /* of a line that is there */

/* memory.c */
typedef struct {
    uint32_t stall, shift;                 /* cycles of a line of 2^shift bytes */
    bool is_cached, reads_ahead, has_code; /* !has_code: instructions never wait for it */
    cache_t instructions, data_of_its_own;
    cache_t *data;                         /* data_of_its_own, or instructions if they share */
    uint32_t ahead_line;                   /* the line that is read ahead; NO_LINE for none */
    uint64_t ahead_ready;                  /* the cycle at which it is there */
} memory_t;

#define NO_LINE 0xFFFFFFFFu

typedef struct {
    uint32_t origin, bytes;
    memory_t *memory;
} place_t;

typedef struct {
    uint32_t origin, bytes;
    uint64_t misses, stalls;
} object_t;

typedef struct {
    memory_t *memories;
    place_t *places;
    object_t *objects; /* by address */
    size_t memory_count, place_count, object_count;
    cache_t level1_instructions, level1_data;
} memories_t;

extern memories_t memories;
int fetch_stall(const insn_t *insn, uint64_t now);
int data_stall(const access_t *accesses, int count, uint64_t now);
void prefetch(uint32_t address, uint64_t now); /* PLD: into the level-1 data cache */
void forget_line(void); /* after a jump the line of instructions is looked up anew */

/* track.c */
void forget_registers(void);
void track(const event_t *event);
bool address_known(const insn_t *insn, uint32_t *address);

/* spans.c */
typedef struct {
    uint32_t entry, bytes, until; /* until: address that ends it; 0: its return */
} span_t;

extern span_t *spans;
extern size_t span_count;
extern uint32_t within; /* address of a function outside of which nothing is measured; 0 for none */
extern cost_t total;
extern bool is_measuring;

void flow(const insn_t *before, const insn_t *now, void (*begin)(void));
bool spans_write(const char *path, const insn_t *insns, size_t count, const uint32_t *unknown);

/* run_file.c */
typedef struct {
    const core_t *core;
    char *output;
    insn_t *insns; /* by address */
    size_t count;
} run_t;

extern run_t run;
bool run_read(const char *path);
insn_t *insn_at(uint32_t pc); /* NULL for an address without a known instruction */

#endif
