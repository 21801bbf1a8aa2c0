/* Kernels that two cores share: each computes some rows of a matrix product, or some heads of attention.
 *
 * tz_parallel runs job(first) on the core that calls it and job(second) on the other one, and returns when both are
 * done; what they have written can be read then. The jobs may run at the same time or one after the other, so neither
 * may read or write what the other one writes: outputs and scratch memories are apart, everything else is only read.
 * tz_parallel is called by one task only, and never from within a job.
 *
 * generic/parallel.c runs them one after the other, for processors of one core, emulated boards and PCs. The
 * project of a board with a second core has another implementation. */
#ifndef TEXTZOO_PARALLEL_H
#define TEXTZOO_PARALLEL_H

#include <stdint.h>

enum { TZ_MAX_INPUTS = 4 };

/* What one core does: tz_...(parameters, inputs, output, scratch) of a kernel. */
typedef struct {
    const void *parameters;            /* the kernel's struct, with this shard's rows or heads */
    void *output;                      /* of this shard alone */
    void *scratch;                     /* of this shard alone; 0 where the kernel needs none */
    const void *inputs[TZ_MAX_INPUTS]; /* as many as the kernel takes */
} tz_shard_t;

typedef void (*tz_job_t)(const tz_shard_t *shard);

/* job: what both cores do; first: for the core that calls; second: for the other one. */
void tz_parallel(tz_job_t job, const tz_shard_t *first, const tz_shard_t *second);

/* Bytes of the other core's stack: the largest use since the start, and its size. 0 where the second job has no
 * separate stack. */
uint32_t tz_parallel_stack_used(void);
uint32_t tz_parallel_stack_reserved(void);

#endif
