/* An emulated board: memory, serial line, faults. machine_*.c has what depends on the machine. */
#include "twin.h"

#include <stddef.h>

#include "counter_of_twin.h"
#include "port.h"
#include "reply.h"
#ifdef TEXTZOO_WEIGHTS_MAPPED
#include "weights_image.h"

extern const uint8_t mapped_weights[], mapped_weights_end[]; /* weights.bin */
#endif

extern uint32_t __stack_bottom[];
extern uint32_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

/* What is copied from the flash into RAM at the start, beside .data: a row of the table that placement.ld makes. */
typedef struct {
    const uint32_t *load; /* (bytes / 4) words in the flash */
    uint32_t *start;      /* (bytes / 4) words in RAM */
    uint32_t bytes;
} copy_t;

extern const copy_t __copies_start[], __copies_end[];

enum { FAULT_STATUS = 3 };

int main(void);

static void copy_words(uint32_t *to, const uint32_t *from, size_t words)
{
    for (size_t i = 0; i < words; ++i) {
        to[i] = from[i];
    }
}

void twin_start(void)
{
    copy_words(__data_start, __data_load, (size_t)(__data_end - __data_start));
    for (const copy_t *copy = __copies_start; copy < __copies_end; ++copy) {
        copy_words(copy->start, copy->load, copy->bytes / 4u);
    }
    for (uint32_t *word = __bss_start; word < __bss_end; ++word) {
        *word = 0;
    }
    twin_start_machine((uint32_t)(uintptr_t)__stack_bottom);
    main();
    twin_exit(0);
}

void twin_fault(const twin_fault_t *fault)
{
    const bool overflow = fault->stack < (uint32_t)(uintptr_t)__stack_bottom;
    reply_use(REPLY_JSON);
    write_text("\n");
    reply_line("fault");
    reply_text("status", "error");
    reply_text("message", overflow ? "the stack is too small" : "the processor stopped with a fault");
    reply_hex32("cause", fault->cause);
    reply_hex32("address", fault->address);
    reply_hex32("pc", fault->pc);
    reply_end();
    twin_exit(FAULT_STATUS);
}

void port_init(void)
{
    twin_start_counter();
#ifdef TEXTZOO_WEIGHTS_MAPPED
    const char *wrong = weights_image_use(mapped_weights, (uint32_t)(mapped_weights_end - mapped_weights));
    if (wrong) {
        write_text(wrong);
        write_text("\n");
        twin_exit(FAULT_STATUS);
    }
#endif
}

/* The emulator keeps bytes until they are read, so that none is lost without an interrupt. */
int port_poll(void)
{
    const int byte = twin_receive();
    return byte >= 0 ? byte : PORT_NOTHING;
}

void port_put(char character)
{
    twin_send(character);
}

void port_exit(int status)
{
    twin_exit(status);
}
