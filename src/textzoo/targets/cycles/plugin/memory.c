/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Waits for memories. A memory is read in lines; a line that a buffer holds costs nothing. */
#include "model.h"

memories_t memories;
static uint32_t last_line = NO_LINE; /* of instructions: it is at hand until a jump */
static const memory_t *last_memory;
static uint64_t filled; /* the cycle at which the last line of data that was asked for is in the level-1 cache */

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
    if (memory == NULL || !memory->has_code) {
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

/* Lines of the level-1 data cache are filled one after the other. Returns the cycle at which this one is there. */
static uint64_t fill(uint32_t address, const memory_t *memory, uint64_t now)
{
    filled = later(now, filled) + memory->stall;
    *cache_ready(&memories.level1_data, address) = filled;
    return filled;
}

/* A line that PLD has asked for costs what is left of its wait. */
static uint32_t cached_line(const memory_t *memory, uint32_t address, bool is_store, uint64_t now)
{
    const bool is_there = cache_use(&memories.level1_data, address);
    if (is_store || memories.level1_data.sets == 0) {
        return is_store ? 0 : memory->stall;
    }
    const uint64_t ready = is_there ? *cache_ready(&memories.level1_data, address) : fill(address, memory, now);
    return ready > now ? (uint32_t)(ready - now) : 0;
}

/* A store takes a line of a cache, too, but nothing waits for it. */
static uint32_t data_line(memory_t *memory, uint32_t address, bool is_store, uint64_t now)
{
    uint32_t stall = 0;
    if (memory->is_cached) {
        stall = cached_line(memory, address, is_store, now);
    } else if (!cache_use(memory->data, address) && !is_store) {
        stall = memory->stall;
    }
    if (stall) {
        add_to_object(address, stall);
    }
    return stall;
}

/* now: cycles so far, waits included. */
int data_stall(const access_t *accesses, int count, uint64_t now)
{
    uint32_t stall = 0;
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
    return (int)stall;
}

/* There are two buffers for lines on their way (Arm DDI 0489, 5.7): a third one is not asked for. */
void prefetch(uint32_t address, uint64_t now)
{
    const memory_t *memory = memory_of(address);
    const bool is_busy = memory != NULL && filled > now + memory->stall;
    if (memory == NULL || !memory->is_cached || is_busy || cache_has(&memories.level1_data, address)) {
        return;
    }
    if (memories.level1_data.sets) {
        cache_use(&memories.level1_data, address);
        fill(address, memory, now);
    }
}
