#include "console.h"
#include "counter.h"
#include "memory.h"
#include "port.h"

int main(void)
{
    memory_paint_stack(); /* first, because it overwrites the stack of earlier calls */
    port_init();
    counter_calibrate();
    console_run();
    port_exit(0);
    return 0;
}
