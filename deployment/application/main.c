#include "console.h"
#include "counter.h"
#include "memory.h"
#include "port.h"

int main(void)
{
    memory_paint_stack(); /* first, because what ran before it is painted over */
    port_init();
    counter_calibrate();
    console_run();
    port_exit(0);
    return 0;
}
