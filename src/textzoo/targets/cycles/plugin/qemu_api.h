/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 * The functions of QEMU's plugin interface that are used, unchanged from version 1 (QEMU 6, 7) on. */
#ifndef TZ_QEMU_API_H
#define TZ_QEMU_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { NO_REGISTERS = 0 };   /* that a callback reads or writes */
enum { LOADS_AND_STORES = 3 };

typedef void (*translated_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*executed_t)(unsigned cpu, void *data);
typedef void (*accessed_t)(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data);
typedef void (*ended_t)(qemu_plugin_id_t id, void *data);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_t call);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_t call, int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, accessed_t call, int flags, int which, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended_t call, void *data);

#endif
