/* Files and console of QEMU's `sim`: calls of the simulator, numbered as in Linux for Xtensa. */
#include "board.h"

enum { CALL_READ = 3, CALL_WRITE = 4, CALL_OPEN = 5 };
enum { OPEN_READ = 0, OPEN_WRITE = 0x241, PERMISSIONS = 0644, STANDARD_OUTPUT = 1 }; /* write, create, truncate */

static int32_t call(int32_t number, int32_t first, uint32_t second, uint32_t third)
{
    register int32_t a2 __asm__("a2") = number;
    register int32_t a3 __asm__("a3") = first;
    register uint32_t a4 __asm__("a4") = second;
    register uint32_t a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+a"(a2), "+a"(a3) : "a"(a4), "a"(a5) : "memory");
    return a2;
}

void board_print(const char *text)
{
    while (*text) {
        call(CALL_WRITE, STANDARD_OUTPUT, (uint32_t)text++, 1);
    }
}

int board_open(const char *path, int write)
{
    return call(CALL_OPEN, (int32_t)path, write ? OPEN_WRITE : OPEN_READ, PERMISSIONS);
}

uint32_t board_read(int handle, void *bytes, uint32_t count)
{
    const int32_t got = call(CALL_READ, handle, (uint32_t)bytes, count);
    return got > 0 ? (uint32_t)got : 0;
}

uint32_t board_write(int handle, const void *bytes, uint32_t count)
{
    const int32_t written = call(CALL_WRITE, handle, (uint32_t)bytes, count);
    return written > 0 ? (uint32_t)written : 0;
}
