/* Emulated boards: a timer that counts instructions exactly. With -icount shift=6 one instruction takes 64 ns of
 * virtual time; ticks.h says how long a tick is, and defines twin_ticks and twin_loop. */
#include "counter_of_twin.h"

#include "port.h"
#include "ticks.h"

enum { TRIALS = 8, LOOPS = 1000 };

/* A reading is (ticks * factor + round) / 2^shift, where ticks counts from the start. At instruction k, 64 k + c ns
 * have passed, with a constant c; the timer rounds that down to ticks: it shows 64 k + c - d with 0 <= d < tick.
 * Ticks are shorter than an instruction, so there are values of `round` that move c - d + round into one and the same
 * interval of 64 ns for all d: with those a reading is k plus a constant. One of them is found by trying. */
static struct {
    uint32_t low, high; /* the last reading */
    uint32_t remainder; /* (ticks * factor + round) modulo 2^shift */
    uint32_t previous;  /* the timer at the last reading */
    uint32_t factor;
    uint32_t shift;
    bool exact;
} counter;

static void use_factor(uint32_t factor, uint32_t shift, uint32_t round)
{
    counter.factor = factor;
    counter.shift = shift;
    counter.remainder = round;
}

/* Not inlined, so that the code around the loop is the same for every length. */
__attribute__((noinline)) static uint64_t timed_loop(uint32_t iterations)
{
    const uint64_t before = port_counter();
    twin_loop(iterations);
    return port_counter() - before;
}

/* Whether loops take two instructions per iteration, at all phases of the timer at which they begin and end. Their
 * lengths are random, because regular ones would not meet every phase. */
static bool counts_instructions(void)
{
    const uint64_t around = timed_loop(1) - 2;
    uint32_t random = 1;
    for (int trial = 0; trial < LOOPS; ++trial) {
        random = random * 1664525u + 1013904223u;
        const uint32_t length = 1 + (random >> 24);
        if (timed_loop(length) != around + 2 * length) {
            return false;
        }
    }
    return true;
}

/* Without -icount the timer follows the host's clock: then the unit is nanoseconds, and port_counter_name says so. */
void twin_start_counter(void)
{
    counter.previous = twin_ticks();
    for (uint32_t trial = 0; trial < TRIALS && !counter.exact; ++trial) {
        const uint32_t round = (trial << TWIN_INSTRUCTIONS_SHIFT) / TRIALS;
        use_factor(TWIN_INSTRUCTIONS_FACTOR, TWIN_INSTRUCTIONS_SHIFT, round);
        counter.exact = counts_instructions();
    }
    if (!counter.exact) {
        use_factor(TWIN_NANOSECONDS_FACTOR, TWIN_NANOSECONDS_SHIFT, 0);
    }
}

/* The same number of instructions on every call: no branch, and no sum of 64 bits, for whose carry some compilers
 * use a branch. A tick is at most one unit, so that no product overflows: whole * factor <= ticks. */
uint64_t port_counter(void)
{
    const uint32_t now = twin_ticks();
    const uint32_t ticks = now - counter.previous;
    const uint32_t part = (ticks & ((1u << counter.shift) - 1u)) * counter.factor + counter.remainder;
    const uint32_t units = (ticks >> counter.shift) * counter.factor + (part >> counter.shift);
    const uint32_t low = counter.low + units;
    counter.high += ((counter.low & units) | ((counter.low | units) & ~low)) >> 31;
    counter.low = low;
    counter.remainder = part & ((1u << counter.shift) - 1u);
    counter.previous = now;
    return (uint64_t)counter.high << 32 | low;
}

const char *port_counter_name(void)
{
    return counter.exact ? "instructions" : "nanoseconds";
}
