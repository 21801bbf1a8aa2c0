/* The costs that a benchmark measures, one by one, and the lines in which they are replied. */
#ifndef TEXTZOO_COSTS_H
#define TEXTZOO_COSTS_H

#include <stdint.h>

typedef struct {
    uint64_t sum;      /* units of the counter */
    uint64_t smallest; /* of one step of the model */
    uint64_t largest;
    uint32_t count;
} costs_t;

/* No costs yet; what kernels took so far is forgotten (TEXTZOO_PROFILE). */
void costs_begin(costs_t *costs);

/* Add the cost of a step. A JSON reply is sent for each, because storing the costs of all steps would need memory; `place`
 * is the name of the field with the step's number. */
void costs_add(costs_t *costs, const char *place, uint64_t cost);

/* A sum over all steps as the mean of one, rounded. There must be at least one step. */
uint64_t costs_mean(const costs_t *costs, uint64_t sum);

/* Reply what every kernel took (TEXTZOO_PROFILE), then begin the last line: their number in the field `steps`, and the
 * sums. Further fields and reply_end follow. */
void costs_reply(const costs_t *costs, const char *steps);

/* Of that line: with TEXTZOO_PROFILE and a second core the part that both cores execute in parallel. */
void costs_reply_overlap(const costs_t *costs);

#endif
