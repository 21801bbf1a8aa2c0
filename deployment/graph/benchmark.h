/* Measures the cost of an inference. */
#ifndef TEXTZOO_BENCHMARK_H
#define TEXTZOO_BENCHMARK_H

#include <stdint.h>

/* Run the model on the inputs that lie in its memory, without anything that it remembers; the cost in units of the counter. */
uint64_t benchmark_inference(void);

/* Run it on the inputs of the self-check, several times, each time beginning with another one of their elements; reply the
 * cost of each, of every kernel with TEXTZOO_PROFILE, and the totals. The inputs and outputs given before are lost. */
void benchmark_run(void);

#endif
