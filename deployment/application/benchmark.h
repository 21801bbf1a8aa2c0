/* Measures the cost of a token at every position of the context. */
#ifndef TEXTZOO_BENCHMARK_H
#define TEXTZOO_BENCHMARK_H

/* Feed the check tokens, then tokens that the model generates (seed 1, temperature 1), one per position; reply the cost
 * per position, per kernel with TEXTZOO_PROFILE, and the totals. Resets the context. */
void benchmark_run(void);

#endif
