/* The two functions of the C library that compilers insert calls of, in a fifth of newlib's flash. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__ARM_ARCH_6M__)
/* Words only at their addresses. */
typedef uint32_t __attribute__((may_alias)) word_t;
#define CAN_USE_WORDS(addresses) (((addresses) & 3u) == 0)
#else
/* Cortex-M3 and later, and Cortex-A, load and store words at any address. */
typedef uint32_t __attribute__((aligned(1), may_alias)) word_t;
#define CAN_USE_WORDS(addresses) 1
#endif
enum { WORD = sizeof(word_t), BLOCK = 4 * WORD };

/* Without this the compiler would replace the loops by calls of the same functions. */
#define PLAIN_LOOPS __attribute__((optimize("O2", "no-tree-loop-distribute-patterns"), used))

PLAIN_LOOPS void *memcpy(void *restrict destination, const void *restrict source, size_t bytes)
{
    uint8_t *to = destination;
    const uint8_t *from = source;
    const int words = CAN_USE_WORDS((uintptr_t)to | (uintptr_t)from);
    for (; words && bytes >= BLOCK; bytes -= BLOCK, to += BLOCK, from += BLOCK) {
        ((word_t *)to)[0] = ((const word_t *)from)[0];
        ((word_t *)to)[1] = ((const word_t *)from)[1];
        ((word_t *)to)[2] = ((const word_t *)from)[2];
        ((word_t *)to)[3] = ((const word_t *)from)[3];
    }
    for (; bytes > 0; --bytes) {
        *to++ = *from++;
    }
    return destination;
}

PLAIN_LOOPS void *memset(void *destination, int value, size_t bytes)
{
    uint8_t *to = destination;
    const word_t word = (uint8_t)value * 0x01010101u;
    const int words = CAN_USE_WORDS((uintptr_t)to);
    for (; words && bytes >= BLOCK; bytes -= BLOCK, to += BLOCK) {
        ((word_t *)to)[0] = word;
        ((word_t *)to)[1] = word;
        ((word_t *)to)[2] = word;
        ((word_t *)to)[3] = word;
    }
    for (; words && bytes >= WORD; bytes -= WORD, to += WORD) {
        *(word_t *)to = word;
    }
    for (; bytes > 0; --bytes) {
        *to++ = (uint8_t)value;
    }
    return destination;
}
