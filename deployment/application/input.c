#include "input.h"

#include "defaults.h"
#include "port.h"
#include "protocol.h"
#ifdef PROJECT_ON_COMMAND
#include "command.h"
#endif

#if TEXTZOO_INPUT_BYTES & (TEXTZOO_INPUT_BYTES - 1)
#error "TEXTZOO_INPUT_BYTES must be a power of two"
#endif

/* A ring with one writer, input_put, which may be an interrupt, and one reader. Counters wrap around: only their
 * differences matter. */
static struct {
    volatile uint32_t written;    /* bytes */
    volatile uint32_t interrupts; /* among them; both are changed by input_put only */
    volatile uint32_t read;
    uint32_t read_interrupts;
    uint32_t used_interrupts; /* up to this one they ended an answer, or were returned */
    volatile bool is_lost; /* bytes that would have come between first_lost and last_lost */
    volatile uint32_t first_lost;
    volatile uint32_t last_lost;
    volatile bool is_enquired;
    bool is_ended;
    volatile uint8_t bytes[TEXTZOO_INPUT_BYTES];
} ring;

static volatile uint8_t *byte_at(uint32_t index)
{
    return &ring.bytes[index & (TEXTZOO_INPUT_BYTES - 1)];
}

static void lose(uint32_t index)
{
    if (!ring.is_lost) {
        ring.first_lost = index;
    }
    ring.last_lost = index;
    ring.is_lost = true;
}

/* In a full ring an interrupt replaces the last byte, so that it is never the one that is lost. */
void input_put(uint8_t byte)
{
    uint32_t index = ring.written;
    if (byte == PROTOCOL_ENQUIRY) {
        ring.is_enquired = true;
        return;
    }
    if (index - ring.read == TEXTZOO_INPUT_BYTES) {
        lose(index);
        --index;
        if (byte != PROTOCOL_INTERRUPT || *byte_at(index) == PROTOCOL_INTERRUPT) {
            return;
        }
    }
    *byte_at(index) = byte;
    if (byte == PROTOCOL_INTERRUPT) {
        ++ring.interrupts;
    }
    ring.written = index + 1;
}

/* While the ring is full, the rest waits in the port. */
void input_listen(void)
{
    while (!ring.is_ended && ring.written - ring.read < TEXTZOO_INPUT_BYTES) {
        const int byte = port_poll();
        if (byte == PORT_NOTHING) {
            return;
        }
        if (byte == PORT_END_OF_INPUT) {
            ring.is_ended = true;
        } else {
            input_put((uint8_t)byte);
        }
    }
}

/* Remove the oldest byte of a ring that is not empty; returns false if it is an interrupt that was used up. */
static bool take(uint8_t *byte)
{
    *byte = *byte_at(ring.read);
    ++ring.read;
    if (*byte != PROTOCOL_INTERRUPT) {
        return true;
    }
    if (ring.read_interrupts++ != ring.used_interrupts) {
        return false;
    }
    ++ring.used_interrupts;
    return true;
}

/* While nothing arrives on_wait is called, and the counter is read, which may wrap around (clock.h). */
static void wait(void)
{
#ifdef PROJECT_ON_COMMAND
    port_counter();
    on_wait();
    port_flush();
    port_wait_briefly();
#else
    port_wait();
#endif
}

int input_get(void)
{
    for (;;) {
        uint8_t byte;
        if (ring.read == ring.written) {
            input_listen();
        }
        if (input_take_enquiry()) {
            return INPUT_ENQUIRY;
        }
        if (ring.read == ring.written) {
            if (ring.is_ended) {
                return PORT_END_OF_INPUT;
            }
            wait();
        } else if (take(&byte)) {
            return byte;
        }
    }
}

bool input_was_lost(void)
{
    if (!ring.is_lost || (int32_t)(ring.read - ring.first_lost) <= 0) {
        return false;
    }
    if ((int32_t)(ring.read - ring.last_lost) > 0) {
        ring.is_lost = false;
    }
    return true;
}

bool input_take_enquiry(void)
{
    const bool is_enquired = ring.is_enquired;
    ring.is_enquired = false;
    return is_enquired;
}

bool input_take_interrupt(void)
{
    const uint32_t interrupts = ring.interrupts;
    const bool is_new = interrupts != ring.used_interrupts;
    ring.used_interrupts = interrupts;
    return is_new;
}
