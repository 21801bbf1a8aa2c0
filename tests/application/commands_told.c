/* An on_command.c of a test: it tells what it gets. */
#include "command.h"
#include "reply.h"

static uint64_t waits;

void on_command(const char *intent, const command_slot_t *slots, size_t count)
{
    write_text("told ");
    write_text(intent);
    for (size_t index = 0; index < count; ++index) {
        write_text(" ");
        write_text(slots[index].name);
        write_text("=");
        write_text(slots[index].text);
        if (slots[index].kind == COMMAND_INTEGER) {
            write_text(slots[index].integer < 0 ? "-" : "");
            write_number((uint64_t)(slots[index].integer < 0 ? -(int64_t)slots[index].integer : slots[index].integer));
        }
    }
    write_text("\n");
    if (command_is(intent, "waits")) {
        write_text(waits > 0 ? "waited\n" : "never waited\n");
    }
}

void on_wait(void)
{
    ++waits;
}
