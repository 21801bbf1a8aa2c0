/* QEMU's `sim`: console and exit through the simulator's calls (number in a2, arguments in a3 to a5). */
#include "twin.h"

enum { CALL_EXIT = 1, CALL_READ = 3, CALL_WRITE = 4 };
enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1 };

static int32_t call(int32_t number, int32_t first, void *second, int32_t third)
{
    register int32_t a2 __asm__("a2") = number;
    register int32_t a3 __asm__("a3") = first;
    register void *a4 __asm__("a4") = second;
    register int32_t a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+a"(a2), "+a"(a3) : "a"(a4), "a"(a5) : "memory");
    return a2;
}

/* RAM begins with the stack, and the addresses below it are unmapped; CCOUNT always runs. */
void twin_start_machine(uint32_t address)
{
    (void)address;
}

int twin_receive(void)
{
    uint8_t byte = 0;
    return call(CALL_READ, STANDARD_INPUT, &byte, 1) == 1 ? byte : -1;
}

void twin_send(char character)
{
    call(CALL_WRITE, STANDARD_OUTPUT, &character, 1);
}

void twin_exit(int status)
{
    for (;;) {
        call(CALL_EXIT, status, 0, 0);
    }
}
