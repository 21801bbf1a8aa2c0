/* Files and console of QEMU's `virt`: semihosting. */
#include "board.h"

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

#include "semihosting_files.inc"
