/* Matrix products that two cores share: each computes some of the rows.
 *
 * tz_parallel runs job(first) on the core that calls it and job(second) on the other one, and returns when both are
 * done; what they have written can be read then. The jobs may run at the same time or one after the other, so neither
 * may read or write what the other one writes: outputs and scratch memories are apart. Weights, parameters and the
 * input are only read. tz_parallel is called by one task only, and never from within a job.
 *
 * generic/parallel.c runs them one after the other, for processors of one core, emulated twins and PCs. A board's
 * project brings its own where it has a second core. */
#ifndef TEXTZOO_PARALLEL_H
#define TEXTZOO_PARALLEL_H

#include <stdint.h>

/* What one core does: tz_fully_connected_...(layer, input, output, scratch). */
typedef struct {
    const void *layer; /* the kernel's struct: `rows` of this half, arrays from the first of them on */
    const void *input; /* (columns) */
    void *output;      /* (rows) */
    void *scratch;     /* of this half alone; 0 where the kernel needs none */
} tz_half_t;

typedef void (*tz_job_t)(const tz_half_t *half);

void tz_parallel(tz_job_t job, const tz_half_t *first, const tz_half_t *second);

/* Bytes of the other core's stack: what was in use at most since the start, and what there is. 0 where the second job
 * has no stack of its own. */
uint32_t tz_parallel_stack_used(void);
uint32_t tz_parallel_stack_reserved(void);

#endif
