/* Files and console of QEMU's `virt`: semihosting. */
#include "board.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06 };

static int32_t semihosting(uint32_t operation, const void *arguments)
{
    register uint32_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;
    __asm__ volatile(".option push\n .option norvc\n .balign 16\n slli x0, x0, 31\n ebreak\n srai x0, x0, 7\n .option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return (int32_t)a0;
}

void board_print(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

int board_open(const char *path, int write)
{
    uint32_t length = 0;
    while (path[length]) {
        ++length;
    }
    const uint32_t arguments[] = {(uint32_t)path, write ? 5 : 1, length}; /* modes "wb" and "rb" */
    return semihosting(SYS_OPEN, arguments);
}

uint32_t board_read(int handle, void *bytes, uint32_t count)
{
    const uint32_t arguments[] = {(uint32_t)handle, (uint32_t)bytes, count};
    return count - (uint32_t)semihosting(SYS_READ, arguments);
}

uint32_t board_write(int handle, const void *bytes, uint32_t count)
{
    const uint32_t arguments[] = {(uint32_t)handle, (uint32_t)bytes, count};
    return count - (uint32_t)semihosting(SYS_WRITE, arguments);
}
