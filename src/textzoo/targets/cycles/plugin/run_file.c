/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * The file that says what to measure, one fact a line; `run_file.py` writes it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

enum { LINE = 8192, WORD = 32 };

run_t run;
static const core_t *const cores[] = {&core_m0, &core_m0plus, &core_m4, &core_m7, &core_m33, &core_m55, &core_esp32c3};

#define TZ_NAME(name) #name,
static const char *const kinds[] = {TZ_KINDS(TZ_NAME)};
static const char letters[] = "sxonpicwa"; /* of the marks, from the lowest bit */

/* Makes room for one more element, set to 0; NULL without memory. */
static void *one_more(void *array, size_t *count, size_t size)
{
    char *larger = realloc(array, (*count + 1) * size);
    if (larger) {
        memset(larger + *count * size, 0, size);
        ++*count;
    }
    return larger;
}

static bool read_core(const char *text)
{
    for (size_t index = 0; index < sizeof cores / sizeof *cores; ++index) {
        if (cores[index]->number == atoi(text)) {
            run.core = cores[index];
        }
    }
    return run.core != NULL;
}

static bool read_level1(const char *text)
{
    uint32_t shift, lines[2], ways[2];
    if (sscanf(text, "%" SCNu32 "%" SCNu32 "%" SCNu32 "%" SCNu32 "%" SCNu32, &shift, &lines[0], &ways[0], &lines[1],
               &ways[1]) != 5) {
        return false;
    }
    return cache_make(&memories.level1_instructions, lines[0], ways[0], shift) &&
           cache_make(&memories.level1_data, lines[1], ways[1], shift);
}

/* The number of memories comes first, so that places can point to them. */
static bool read_memories(const char *text)
{
    const size_t count = (size_t)strtoul(text, NULL, 10);
    memories.memories = calloc(count + 1, sizeof *memories.memories);
    memories.memory_count = 0;
    return memories.memories != NULL;
}

static bool read_memory(const char *text)
{
    memory_t *memory = &memories.memories[memories.memory_count++];
    uint32_t lines[2], ways;
    int is_cached, is_shared, reads_ahead, has_code;
    if (sscanf(text, "%" SCNu32 "%" SCNu32 "%d%" SCNu32 "%" SCNu32 "%" SCNu32 "%d%d%d", &memory->stall, &memory->shift,
               &is_cached, &lines[0], &lines[1], &ways, &is_shared, &reads_ahead, &has_code) != 9) {
        return false;
    }
    memory->is_cached = is_cached;
    memory->reads_ahead = reads_ahead;
    memory->has_code = has_code;
    memory->ahead_line = NO_LINE;
    memory->data = is_shared ? &memory->instructions : &memory->data_of_its_own;
    return cache_make(&memory->instructions, lines[0], ways, memory->shift) &&
           cache_make(&memory->data_of_its_own, lines[1], ways, memory->shift);
}

static bool read_place(const char *text)
{
    memories.places = one_more(memories.places, &memories.place_count, sizeof *memories.places);
    if (memories.places == NULL) {
        return false;
    }
    place_t *place = &memories.places[memories.place_count - 1];
    size_t memory;
    if (sscanf(text, "%" SCNx32 "%" SCNx32 "%zu", &place->origin, &place->bytes, &memory) != 3) {
        return false;
    }
    place->memory = &memories.memories[memory];
    return memory < memories.memory_count;
}

static bool read_object(const char *text)
{
    memories.objects = one_more(memories.objects, &memories.object_count, sizeof *memories.objects);
    if (memories.objects == NULL) {
        return false;
    }
    object_t *object = &memories.objects[memories.object_count - 1];
    return sscanf(text, "%" SCNx32 "%" SCNx32, &object->origin, &object->bytes) == 2;
}

static bool read_span(const char *text)
{
    spans = one_more(spans, &span_count, sizeof *spans);
    if (spans == NULL) {
        return false;
    }
    span_t *span = &spans[span_count - 1];
    return sscanf(text, "%" SCNx32 "%" SCNx32 "%" SCNx32, &span->entry, &span->bytes, &span->until) == 3;
}

static bool read_within(const char *text) { return sscanf(text, "%" SCNx32, &within) == 1; }

static bool read_output(const char *text)
{
    run.output = malloc(strlen(text) + 1);
    if (run.output) {
        strcpy(run.output, text);
    }
    return run.output != NULL;
}

static bool read_kind(const char *name, uint8_t *kind)
{
    for (uint8_t index = 0; index < KINDS; ++index) {
        if (strcmp(kinds[index], name) == 0) {
            *kind = index;
            return true;
        }
    }
    return false;
}

static bool read_marks(const char *text, uint16_t *marks)
{
    for (; *text && *text != '-'; ++text) {
        const char *found = strchr(letters, *text);
        if (found == NULL) {
            return false;
        }
        *marks |= (uint16_t)(1u << (found - letters));
    }
    return true;
}

static bool read_insn(const char *text)
{
    static size_t room;
    if (run.count == room) {
        room = room ? 2 * room : 4096;
        insn_t *more = realloc(run.insns, room * sizeof *more);
        if (more == NULL) {
            return false;
        }
        run.insns = more;
    }
    insn_t *insn = &run.insns[run.count];
    *insn = (insn_t){0};
    char kind[WORD], marks[WORD];
    unsigned bytes, count;
    if (sscanf(text,
               "%" SCNx32 "%u%31s%u%31s%" SCNx64 "%" SCNx64 "%" SCNx64 "%" SCNx64 "%" SCNx64 "%" SCNx64 "%" SCNu32
               "%" SCNd32,
               &insn->pc, &bytes, kind, &count, marks, &insn->reads, &insn->writes, &insn->early, &insn->added,
               &insn->address, &insn->back, &insn->base, &insn->distance) != 13) {
        return false;
    }
    insn->bytes = (uint8_t)bytes;
    insn->count = (uint8_t)count;
    if (run.count > 0 && run.insns[run.count - 1].pc >= insn->pc) {
        return false;
    }
    ++run.count;
    return read_kind(kind, &insn->kind) && read_marks(marks, &insn->marks);
}

static const struct {
    const char *name;
    bool (*read)(const char *text);
} readers[] = {
    {"core ", read_core},     {"level1 ", read_level1}, {"memories ", read_memories}, {"memory ", read_memory},
    {"place ", read_place},   {"object ", read_object}, {"span ", read_span},         {"within ", read_within},
    {"output ", read_output}, {"insn ", read_insn},
};

static bool read_line(const char *line)
{
    for (size_t index = 0; index < sizeof readers / sizeof *readers; ++index) {
        const size_t length = strlen(readers[index].name);
        if (strncmp(line, readers[index].name, length) == 0) {
            return readers[index].read(line + length);
        }
    }
    return false;
}

insn_t *insn_at(uint32_t pc)
{
    size_t low = 0, high = run.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (run.insns[middle].pc == pc) {
            return &run.insns[middle];
        }
        if (run.insns[middle].pc < pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static bool link_spans(void)
{
    for (size_t index = 0; index < span_count; ++index) {
        insn_t *entry = insn_at(spans[index].entry);
        insn_t *end = spans[index].until ? insn_at(spans[index].until) : entry;
        if (entry == NULL || end == NULL) {
            return false;
        }
        entry->span = (int16_t)(index + 1);
        end->end = spans[index].until ? 1 : end->end;
    }
    return true;
}

bool run_read(const char *path)
{
    char line[LINE];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "cycles: %s: %s\n", path, strerror(errno));
        return false;
    }
    bool is_right = true;
    while (is_right && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        is_right = read_line(line);
    }
    fclose(file);
    if (!is_right) {
        fprintf(stderr, "cycles: a line that cannot be read: %s\n", line);
        return false;
    }
    return run.core != NULL && run.output != NULL && link_spans();
}
