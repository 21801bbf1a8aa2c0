/* Measures the cost of code in units of the board's counter, without the cost of reading the counter. */
#ifndef TEXTZOO_COUNTER_H
#define TEXTZOO_COUNTER_H

#include <stdint.h>

/* Measure the cost of reading the counter; once, after port_init. */
void counter_calibrate(void);

uint64_t counter_start(void);

/* Units since `start`. */
uint64_t counter_elapsed(uint64_t start);

#ifdef TEXTZOO_PROFILE
/* Cost per kernel of the model. model_step calls textzoo_profile_mark(index) after kernel `index`. */
void profile_reset(void);
void profile_begin_step(void);
uint64_t profile_total(int index);

/* The cost of the shorter shard of each product that two cores share, summed, where one core runs both shards. On two
 * cores the critical path is shorter by this amount, without the cost of starting and waiting. */
uint64_t profile_overlap(void);

/* Called by the runtime before, between and after the two shards of a product, with 0, 1, 2. */
void textzoo_profile_parallel(int jobs_done);
#endif

#endif
