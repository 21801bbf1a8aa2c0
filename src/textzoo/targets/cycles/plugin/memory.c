/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Waits for memories. A memory is read in lines; a line that a buffer holds costs nothing. */
#include "model.h"

memories_t memories;
static uint32_t last_line = NO_LINE; /* of instructions: it is at hand until a jump */
static const memory_t *last_memory;

static memory_t *memory_of(uint32_t address)
{
    for (size_t index = 0; index < memories.place_count; ++index) {
        const place_t *place = &memories.places[index];
        if (address - place->origin < place->bytes) {
            return place->memory->stall ? place->memory : NULL;
        }
    }
    return NULL; /* peripherals */
}

void forget_line(void) { last_line = NO_LINE; }

/* A memory with lines of its own: while the core executes one line, the accelerator may read the next. A line that is
 * needed before it is there costs what is left. */
static uint32_t own_line(memory_t *memory, uint32_t address, uint64_t now)
{
    const uint32_t line = address >> memory->shift;
    if (cache_use(&memory->instructions, address)) {
        memory->ahead_line = NO_LINE;
        return 0;
    }
    uint32_t stall = memory->stall;
    if (line == memory->ahead_line) {
        stall = memory->ahead_ready > now ? (uint32_t)(memory->ahead_ready - now) : 0;
    }
    memory->ahead_line = NO_LINE;
    if (memory->reads_ahead && !cache_has(&memory->instructions, (line + 1) << memory->shift)) {
        memory->ahead_line = line + 1;
        memory->ahead_ready = now + stall + memory->stall + 1;
    }
    return stall;
}

static uint32_t line_stall(memory_t *memory, uint32_t address, uint64_t now)
{
    if (memory->is_cached) {
        return cache_use(&memories.level1_instructions, address) ? 0 : memory->stall;
    }
    return own_line(memory, address, now);
}

/* now: cycles so far, waits included. */
int fetch_stall(const insn_t *insn, uint64_t now)
{
    memory_t *memory = memory_of(insn->pc);
    if (memory == NULL) {
        return 0;
    }
    const uint32_t shift = memory->is_cached ? memories.level1_instructions.shift : memory->shift;
    uint32_t stall = 0;
    for (uint32_t address = insn->pc; address < insn->pc + insn->bytes; address += 2) {
        if (address >> shift != last_line || memory != last_memory) {
            last_line = address >> shift;
            last_memory = memory;
            stall += line_stall(memory, address, now + stall);
        }
    }
    return (int)stall;
}

static void add_to_object(uint32_t address, uint32_t stall)
{
    size_t low = 0, high = memories.object_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (memories.objects[middle].origin <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0 && address - memories.objects[low - 1].origin < memories.objects[low - 1].bytes) {
        memories.objects[low - 1].misses += 1;
        memories.objects[low - 1].stalls += stall;
    }
}

/* Lines that come into the level-1 cache of data while the core goes on: Cortex-M7 has two buffers for them. Assumed: the
 * memory gives one line after the other, and a PLD that finds both buffers taken does nothing. */
enum { FILLS = 2 };
static struct {
    uint32_t line;
    uint64_t ready; /* the cycle at which it is there */
} fills[FILLS];
static uint64_t waited_until; /* the end of the last wait, which the core may not have reached yet */

void forget_fills(void)
{
    waited_until = 0;
    for (int index = 0; index < FILLS; ++index) {
        fills[index].ready = 0;
    }
}

static uint64_t last_ready(void) { return later(fills[0].ready, fills[1].ready); }

void read_ahead_of_time(uint32_t address, uint64_t now)
{
    now = later(now, waited_until);
    memory_t *memory = memory_of(address);
    if (memory == NULL || !memory->is_cached || cache_has(&memories.level1_data, address)) {
        return;
    }
    const int oldest = fills[1].ready < fills[0].ready;
    if (fills[oldest].ready > now) {
        return;
    }
    fills[oldest].ready = later(last_ready(), now) + memory->stall;
    fills[oldest].line = address >> memories.level1_data.shift;
    cache_use(&memories.level1_data, address);
}

/* Cycles until a line of the level-1 cache is there that a PLD asked for. */
static uint32_t rest_of_fill(uint32_t address, uint64_t now)
{
    for (int index = 0; index < FILLS; ++index) {
        if (fills[index].line == address >> memories.level1_data.shift && fills[index].ready > now) {
            return (uint32_t)(fills[index].ready - now);
        }
    }
    return 0;
}

/* Cycles until a line of the level-1 cache is there. */
static uint32_t cached_line(const memory_t *memory, uint32_t address, uint64_t now)
{
    if (cache_use(&memories.level1_data, address)) {
        return rest_of_fill(address, now);
    }
    return (uint32_t)(later(last_ready(), now) - now) + memory->stall;
}

static uint32_t buffered_line(memory_t *memory, uint32_t address)
{
    return cache_use(memory->data, address) ? 0 : memory->stall;
}

/* A store takes a line of a cache, too, but nothing waits for it. */
static uint32_t data_line(memory_t *memory, uint32_t address, bool is_store, uint64_t now)
{
    const uint32_t stall = memory->is_cached ? cached_line(memory, address, now) : buffered_line(memory, address);
    if (stall == 0 || is_store) {
        return 0;
    }
    add_to_object(address, stall);
    return stall;
}

/* now: cycles so far, waits included. */
int data_stall(const access_t *accesses, int count, uint64_t now)
{
    uint32_t stall = 0;
    now = later(now, waited_until);
    for (int index = 0; index < count; ++index) {
        const access_t *access = &accesses[index];
        memory_t *memory = memory_of(access->address);
        if (memory == NULL) {
            continue;
        }
        const uint32_t shift = memory->is_cached ? memories.level1_data.shift : memory->shift;
        const uint32_t last = access->address + access->bytes - 1u;
        stall += data_line(memory, access->address, access->is_store, now + stall);
        if (last >> shift != access->address >> shift) {
            stall += data_line(memory, last, access->is_store, now + stall);
        }
    }
    if (stall > 0) {
        waited_until = now + stall;
    }
    return (int)stall;
}
