/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * Spans: calls of functions, from the first instruction to the return. Returns are found by a stack of the addresses
 * behind calls; a jump to one of them ends all calls above it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

enum { MOST_CALLS = 4096, MOST_OPEN = 256 };

typedef struct {
    size_t span;
    int depth; /* of the stack of calls; 0 if the span does not end by a return */
    cost_t start;
} open_t;

typedef struct {
    size_t span;
    int depth; /* spans around it */
    cost_t cost;
    cost_t before; /* of the outermost span, until this one began */
} row_t;

span_t *spans;
size_t span_count;
uint32_t within;
cost_t total;
bool is_measuring;

static uint32_t returns[MOST_CALLS]; /* addresses behind calls; deeper calls are not followed */
static int call_depth;
static int within_depth; /* of the stack in `within`; 0 outside */
static open_t opened[MOST_OPEN];
static int open_count;
static row_t *rows;
static size_t row_count, row_room;
static bool has_failed;

static cost_t difference(const cost_t *now, const cost_t *start)
{
    return (cost_t){now->instructions - start->instructions, now->core - start->core, now->cycles - start->cycles,
                    now->fetch_stalls - start->fetch_stalls, now->data_stalls - start->data_stalls};
}

static void add_row(size_t span, int depth, const cost_t *start)
{
    if (row_count == row_room) {
        row_room = row_room ? 2 * row_room : 1024;
        row_t *more = realloc(rows, row_room * sizeof *rows);
        if (more == NULL) {
            has_failed = true;
            row_room = row_count;
            return;
        }
        rows = more;
    }
    rows[row_count++] = (row_t){span, depth, difference(&total, start), difference(start, &opened[0].start)};
}

static void close_last(void)
{
    --open_count;
    add_row(opened[open_count].span, open_count, &opened[open_count].start);
    is_measuring = open_count > 0;
}

static void open_span(size_t span, void (*begin)(void))
{
    if (open_count == MOST_OPEN || (within && within_depth == 0)) {
        return;
    }
    if (open_count == 0) {
        begin();
    }
    opened[open_count++] = (open_t){span, spans[span].until ? 0 : call_depth, total};
    is_measuring = true;
}

static void unwind(int depth)
{
    call_depth = depth;
    while (open_count > 0 && opened[open_count - 1].depth > depth) {
        close_last();
    }
    within_depth = within_depth > depth ? 0 : within_depth;
}

static void push_call(uint32_t address)
{
    if (call_depth < MOST_CALLS) {
        returns[call_depth++] = address;
    }
}

static void pop_to(uint32_t address)
{
    for (int depth = call_depth - 1; depth >= 0; --depth) {
        if (returns[depth] == address) {
            unwind(depth);
            return;
        }
    }
}

static bool returns_from(const insn_t *insn) { return insn->kind == INDIRECT || insn->marks & TO_PC; }

/* A function begins by a call, or by a jump from elsewhere; its own loop may lead back to its first instruction. */
static bool enters(const span_t *span, const insn_t *before)
{
    return before == NULL || before->marks & CALLS || before->pc - span->entry >= span->bytes;
}

static void close_until(uint32_t address)
{
    while (open_count > 0 && spans[opened[open_count - 1].span].until == address) {
        close_last();
    }
}

/* Follows the program from one instruction to the next; begin: called before the first of a span. */
void flow(const insn_t *before, const insn_t *now, void (*begin)(void))
{
    if (before && before->marks & CALLS && now->pc != before->pc + before->bytes) {
        push_call(before->pc + before->bytes);
    } else if (before && returns_from(before)) {
        pop_to(now->pc);
    }
    if (within && now->pc == within && within_depth == 0) {
        within_depth = call_depth;
    }
    if (now->end) {
        close_until(now->pc);
    }
    if (now->span && enters(&spans[now->span - 1], before)) {
        open_span((size_t)now->span - 1, begin);
    }
}

static void write_cost(FILE *file, const cost_t *cost)
{
    fprintf(file, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, cost->instructions, cost->core,
            cost->cycles, cost->fetch_stalls, cost->data_stalls);
}

/* unknown: address of an executed instruction that the table does not have; NULL for none. The last line says that the
 * file is complete. */
bool spans_write(const char *path, const insn_t *insns, size_t count, const uint32_t *unknown)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    for (size_t index = 0; index < row_count; ++index) {
        fprintf(file, "call %zu %d", rows[index].span, rows[index].depth);
        write_cost(file, &rows[index].cost);
        write_cost(file, &rows[index].before);
        fputc('\n', file);
    }
    for (size_t index = 0; index < count; ++index) {
        if (insns[index].cost.instructions) {
            fprintf(file, "instruction %" PRIx32, insns[index].pc);
            write_cost(file, &insns[index].cost);
            fputc('\n', file);
        }
    }
    for (size_t index = 0; index < memories.object_count; ++index) {
        const object_t *object = &memories.objects[index];
        if (object->misses) {
            fprintf(file, "object %zu %" PRIu64 " %" PRIu64 "\n", index, object->misses, object->stalls);
        }
    }
    if (unknown) {
        fprintf(file, "unknown %" PRIx32 "\n", *unknown);
    }
    fprintf(file, has_failed ? "failed\n" : "end\n");
    return fclose(file) == 0;
}
