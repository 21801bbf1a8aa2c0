/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * What QEMU calls. One core, no threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "qemu_api.h"

#ifndef TZ_QEMU_API
#error "TZ_QEMU_API is the version of QEMU's interface"
#endif

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = TZ_QEMU_API;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

static insn_t *current; /* the instruction that is being executed */
static access_t accesses[MOST_ACCESSES];
static int access_count;
static uint64_t begun; /* cycles before the outermost span */

static void write_output(const uint32_t *unknown)
{
    if (!spans_write(run.output, run.insns, run.count, unknown)) {
        fprintf(stderr, "cycles: %s cannot be written\n", run.output);
    }
}

static void add_cost(insn_t *insn, const event_t *event, elapsed_t elapsed)
{
    const cost_t cost = {1, elapsed.core, elapsed.cycles, (uint64_t)event->fetch_stall, (uint64_t)event->data_stall};
    cost_t *sums[] = {&insn->cost, &total};
    for (int index = 0; index < 2; ++index) {
        sums[index]->instructions += cost.instructions;
        sums[index]->core += cost.core;
        sums[index]->cycles += cost.cycles;
        sums[index]->fetch_stalls += cost.fetch_stalls;
        sums[index]->data_stalls += cost.data_stalls;
    }
}

static void retire(insn_t *insn, uint32_t next)
{
    const bool is_skipped = insn->marks & CONDITIONAL && access_count == 0 && accesses_memory(insn);
    const uint64_t now = begun + run.core->now();
    event_t event = {insn, next, next != insn->pc + insn->bytes, is_skipped, accesses, access_count, 0, 0};
    uint32_t address;
    event.fetch_stall = fetch_stall(insn, now);
    event.data_stall = data_stall(accesses, access_count, now + (uint64_t)event.fetch_stall);
    if (insn->kind == PREFETCH && address_known(insn, &address)) {
        prefetch(address, now);
    }
    track(&event);
    add_cost(insn, &event, run.core->retire(&event));
    if (event.is_taken) {
        forget_line();
    }
}

static void begin(void)
{
    begun = total.cycles;
    forget_line();
    forget_registers();
    run.core->begin();
}

static void on_execution(unsigned cpu, void *data)
{
    insn_t *insn = data;
    (void)cpu;
    if (is_measuring) {
        retire(current, insn->pc);
    }
    flow(current, insn, begin);
    current = insn;
    access_count = 0;
}

/* Outside of spans an unknown instruction does not matter. */
static void on_unknown(unsigned cpu, void *data)
{
    const uint32_t pc = (uint32_t)(uintptr_t)data;
    (void)cpu;
    if (is_measuring) {
        fprintf(stderr, "cycles: the instruction at 0x%08x is not in the model's table\n", (unsigned)pc);
        write_output(&pc);
        _Exit(1);
    }
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)cpu;
    (void)data;
    if (is_measuring && access_count < MOST_ACCESSES) {
        const uint8_t bytes = (uint8_t)(1u << qemu_plugin_mem_size_shift(info));
        accesses[access_count++] = (access_t){(uint32_t)address, bytes, qemu_plugin_mem_is_store(info)};
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t index = 0; index < qemu_plugin_tb_n_insns(block); ++index) {
        struct qemu_plugin_insn *part = qemu_plugin_tb_get_insn(block, index);
        const uint32_t pc = (uint32_t)qemu_plugin_insn_vaddr(part);
        insn_t *insn = insn_at(pc);
        if (insn == NULL) {
            qemu_plugin_register_vcpu_insn_exec_cb(part, on_unknown, NO_REGISTERS, (void *)(uintptr_t)pc);
            continue;
        }
        qemu_plugin_register_vcpu_insn_exec_cb(part, on_execution, NO_REGISTERS, insn);
        if (accesses_memory(insn)) {
            qemu_plugin_register_vcpu_mem_cb(part, on_access, NO_REGISTERS, LOADS_AND_STORES, insn);
        }
    }
}

static void on_end(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    write_output(NULL);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    static const char name[] = "run=";
    (void)info;
    if (argc != 1 || strncmp(argv[0], name, sizeof name - 1) != 0 || !run_read(argv[0] + sizeof name - 1)) {
        fprintf(stderr, "cycles: expected run=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
