/* Boards with a Cortex-M: their serial line, and the cycle counter of the core. */
#include "port.h"

#include "board.h"
#include "cortex.h"
#include "serial.h"

static struct {
    uint64_t total;
    uint32_t previous;
    const char *name;
#ifdef BOARD_TIMER_COUNT
    bool timer; /* the core's counter does not count: this is an emulator */
#endif
} counter;

#if __ARM_ARCH < 7
enum { TICK_BITS = 24 };
static volatile uint32_t tick_wraps;

void board_tick_interrupt(void)
{
    ++tick_wraps;
}

/* It counts down. The barrier lets an interrupt in that is pending because the counter has just wrapped. */
static uint32_t read_counter(void)
{
    uint32_t wraps, left;
    do {
        wraps = tick_wraps;
        left = SYSTICK_COUNT;
        cortex_barrier();
    } while (wraps != tick_wraps);
    return wraps << TICK_BITS | (((1u << TICK_BITS) - 1u) - left);
}

static void start_counter(void)
{
    counter.name = "cycles";
    SYSTICK_RELOAD = (1u << TICK_BITS) - 1u;
    SYSTICK_COUNT = 0;
    SYSTICK_CONTROL = 7u; /* the core's clock, interrupt, on */
    counter.previous = read_counter();
}
#else
static uint32_t read_counter(void)
{
#ifdef BOARD_TIMER_COUNT
    if (counter.timer) {
        return BOARD_TIMER_COUNT;
    }
#endif
    return DWT_CYCCNT;
}

static void start_counter(void)
{
    counter.name = "cycles";
    SCB_DEMCR |= 1u << 24; /* TRCENA */
    DWT_LAR = 0xC5ACCE55u; /* the lock of Cortex-M7; other cores have none */
    DWT_CTRL |= 1u;
#ifdef BOARD_TIMER_COUNT
    const uint32_t before = DWT_CYCCNT;
    cortex_loop(10);
    if (DWT_CYCCNT == before) {
        counter.timer = true;
        board_start_timer();
        counter.name = board_timer_counts_instructions() ? "instructions" : "nanoseconds";
    }
#endif
    counter.previous = read_counter();
}
#endif

void port_init(void)
{
    serial_start(board_start_clocks());
    start_counter();
}

int port_poll(void)
{
    return PORT_NOTHING;
}

void port_put(char character)
{
    if (character == '\n') {
        serial_send('\r'); /* terminals on a serial line need \r\n */
    }
    serial_send(character);
}

/* The same number of instructions on every call. */
uint64_t port_counter(void)
{
    const uint32_t now = read_counter();
    counter.total += now - counter.previous;
    counter.previous = now;
#ifdef BOARD_TIMER_COUNT
    if (counter.timer) {
        return board_timer_units(counter.total);
    }
#endif
    return counter.total;
}

const char *port_counter_name(void)
{
    return counter.name;
}

void port_exit(int status)
{
    (void)status;
    cortex_reset();
}
