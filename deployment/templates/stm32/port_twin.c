/* The emulated twin: a machine of QEMU with the same core. Serial line of Arm's CMSDK, end by semihosting, and a timer
 * that counts instructions exactly: with -icount shift=6 one instruction takes 64 ns of virtual time. */
#include "port.h"

#include "board.h"
#include "cortex.h"

extern uint32_t __stack_bottom[], __stack_top[];

enum { TRIALS = 8, LOOPS = 1000 };
enum { UART_DATA = 0x00, UART_STATE = 0x04, UART_CTRL = 0x08, UART_BAUDDIV = 0x10 };
#define UART(offset) REGISTER(TWIN_UART_BASE + (uint32_t)(offset))
#define UART_FULL 1u
#define UART_RECEIVED 2u

/* A reading is (total * factor + round) / 2^shift. At instruction k the timer has seen 64 k + c ns, c being the same
 * always, and cut that down to whole ticks: it shows 64 k + c - d with 0 <= d < tick. Ticks are shorter than an
 * instruction, so there are values of `round` that move c - d + round into one and the same interval of 64 ns for all
 * d: with those a reading is k plus a constant. One of them is found by trying. */
static struct {
    uint64_t total;
    uint32_t previous;
    uint32_t factor;
    uint32_t round;
    uint32_t shift;
    bool exact;
} counter;

static uint32_t ticks(void)
{
#ifdef TWIN_TIMER_COUNTS_DOWN
    return ~REGISTER(TWIN_TIMER_COUNT);
#else
    return REGISTER(TWIN_TIMER_COUNT);
#endif
}

static void use_factor(uint32_t factor, uint32_t shift)
{
    counter.factor = factor;
    counter.shift = shift;
    counter.round = 0;
}

/* Not inlined, so that the code around the loop is the same whatever its length. */
__attribute__((noinline)) static uint64_t timed_loop(uint32_t iterations)
{
    const uint64_t before = port_counter();
    cortex_loop(iterations);
    return port_counter() - before;
}

/* Whether loops take two instructions per iteration, whatever the phase of the timer they begin and end at. Their
 * lengths are random, because regular ones would leave phases out. */
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

/* Without -icount the timer follows the host's clock: then it counts nanoseconds, and says so. */
static void start_counter(void)
{
#ifdef TWIN_TIMER_COUNTS_DOWN
    REGISTER(TWIN_TIMER_BASE + 8u) = UINT32_MAX; /* reload */
    REGISTER(TWIN_TIMER_BASE + 4u) = UINT32_MAX; /* value */
#endif
    REGISTER(TWIN_TIMER_BASE) = 1u;
    counter.previous = ticks();
    use_factor(TWIN_INSTRUCTIONS_FACTOR, TWIN_INSTRUCTIONS_SHIFT);
    for (uint32_t trial = 0; trial < TRIALS && !counter.exact; ++trial) {
        counter.round = (trial << counter.shift) / TRIALS;
        counter.exact = counts_instructions();
    }
    if (!counter.exact) {
        use_factor(TWIN_NANOSECONDS_FACTOR, TWIN_NANOSECONDS_SHIFT);
    }
}

void board_before_memory(void)
{
}

void port_init(void)
{
    UART(UART_BAUDDIV) = 16;
    UART(UART_CTRL) = 3u; /* send and receive */
    start_counter();
}

int port_get(void)
{
    while (!(UART(UART_STATE) & UART_RECEIVED)) {
    }
    return (int)(UART(UART_DATA) & 0xFFu);
}

void port_put(char character)
{
    while (UART(UART_STATE) & UART_FULL) {
    }
    UART(UART_DATA) = (uint8_t)character;
}

void port_flush(void)
{
}

bool port_echoes(void)
{
    return true;
}

/* The same number of instructions on every call. */
uint64_t port_counter(void)
{
    const uint32_t now = ticks();
    counter.total += now - counter.previous;
    counter.previous = now;
    return (counter.total * counter.factor + counter.round) >> counter.shift;
}

const char *port_counter_name(void)
{
    return counter.exact ? "instructions" : "nanoseconds";
}

uint32_t *port_stack_bottom(void)
{
    return __stack_bottom;
}

uint32_t *port_stack_top(void)
{
    return __stack_top;
}

/* Semihosting call SYS_EXIT_EXTENDED, reason ADP_Stopped_ApplicationExit. */
void port_exit(int status)
{
    const uint32_t arguments[2] = {0x20026u, (uint32_t)status};
    register uint32_t operation __asm("r0") = 0x20u;
    register const uint32_t *block __asm("r1") = arguments;
    __asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(block) : "memory");
    for (;;) {
    }
}

void board_after_fault(void)
{
    port_exit(3);
}
