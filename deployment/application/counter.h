/* Cost of a piece of code in units of the board's counter, the cost of reading the counter taken off. */
#ifndef TEXTZOO_COUNTER_H
#define TEXTZOO_COUNTER_H

#include <stdint.h>

/* Find out what reading the counter costs; once, after port_init. */
void counter_calibrate(void);

uint64_t counter_start(void);

/* Units since `start`. */
uint64_t counter_elapsed(uint64_t start);

#ifdef TEXTZOO_PROFILE
/* Cost per kernel of the model. model_step calls textzoo_profile_mark(index) behind kernel `index`. */
void profile_reset(void);
void profile_begin_step(void);
uint64_t profile_total(int index);

/* Of the matrix products that two cores share, where one core runs both shards: what the shorter shards cost. The
 * longer way of the two takes so much less than the whole, as long as starting and waiting cost nothing. */
uint64_t profile_overlap(void);

/* The runtime calls it before the shards of a product, between them, and behind them: with 0, 1, 2. */
void textzoo_profile_parallel(int jobs_done);
#endif

#endif
