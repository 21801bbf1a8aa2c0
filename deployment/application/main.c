#include "console.h"
#include "counter.h"
#include "memory.h"
#include "port.h"
#include "reply.h"

int main(void)
{
    reply_set_boot(port_boot()); /* before anything is written to the memory that it may read */
    memory_paint_stack();        /* next, because it overwrites the stack of earlier calls */
    port_init();
    counter_calibrate();
    console_run();
    port_exit(0);
    return 0;
}
