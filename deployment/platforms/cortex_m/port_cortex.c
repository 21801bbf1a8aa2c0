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
