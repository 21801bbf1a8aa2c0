#include "interruption.h"

#include <stdint.h>

#include "input.h"
#include "reply.h"

static struct {
    uint32_t step;
    uint32_t last; /* at which the command ends */
    bool is_interrupted;
} command;

void interruption_begin(bool is_repeated)
{
    command.step = 0;
    command.is_interrupted = command.is_interrupted && is_repeated;
}

/* While lines are repeated that the host already has, an interrupt waits: it belongs to a later line. */
bool interruption_due(void)
{
    ++command.step;
    input_listen();
    if (input_take_enquiry()) {
        reply_alive(true);
    }
    if (!command.is_interrupted && reply_is_shown() && input_take_interrupt()) {
        command.is_interrupted = true;
        command.last = command.step;
    }
    return command.is_interrupted && command.step >= command.last;
}
