#include "clock.h"

#include "defaults.h"

#ifdef PROJECT_ON_COMMAND

#include <stddef.h>

#include "divide.h"
#include "port.h"

/* By the first letter of the counter's unit: nanoseconds; instructions of an emulator, which take 64 ns each; cycles. */
static uint32_t counts_per_millisecond(void)
{
    switch (port_counter_name()[0]) {
    case 'n':
        return 1000000u;
    case 'i':
        return 15625u;
    default:
        return PROJECT_CLOCK_HZ / 1000u;
    }
}

uint32_t clock_milliseconds(void)
{
    return (uint32_t)divide(port_counter(), counts_per_millisecond(), NULL);
}

#endif
