/* What a token costs at every position of the context. */
#ifndef TEXTZOO_BENCHMARK_H
#define TEXTZOO_BENCHMARK_H

/* Feed the check tokens and then what the model itself chooses (seed 1, temperature 1), one token per position, and
 * reply the counter per position, per kernel with TEXTZOO_PROFILE, and in sum. Resets the context. */
void benchmark_run(void);

#endif
