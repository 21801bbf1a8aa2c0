/* Start-up and the instruction counter of the twins that are no Cortex-M; files_*.c brings files and console. */
#include "board.h"

#include "port.h"
#include "counter_of_twin.h"
#include "twin.h"

enum { FAULT_STATUS = 3, COUNTER_STATUS = 4 };

extern uint32_t __bss_start[], __bss_end[], __stack_bottom[];

static uint32_t counter_overhead;
static uint64_t counter_before;

void __attribute__((noinline)) board_counter_start(void)
{
    counter_before = port_counter();
}

uint32_t __attribute__((noinline)) board_counter_stop(void)
{
    return (uint32_t)(port_counter() - counter_before) - counter_overhead;
}

static void start_counter(void)
{
    twin_start_counter();
    board_counter_start();
    counter_overhead = board_counter_stop();
    if (port_counter_name()[0] != 'i') {
        board_print("the instruction counter is wrong: run with -icount shift=6,sleep=off\n");
        twin_exit(COUNTER_STATUS);
    }
}

void twin_start(void)
{
    for (uint32_t *word = __bss_start; word < __bss_end; ++word) {
        *word = 0;
    }
    twin_start_machine((uint32_t)(uintptr_t)__stack_bottom);
    start_counter();
    twin_exit(main());
}

void twin_fault(const twin_fault_t *fault)
{
    (void)fault;
    board_print("fault\n");
    twin_exit(FAULT_STATUS);
}
