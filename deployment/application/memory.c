#include "memory.h"

#include <stddef.h>

#include "port.h"

/* Not a repeated byte, so that compilers do not replace the loop by memset; and unlikely as data. */
#define PAINT 0xC0A7F00Du
/* Left unpainted below the painting function's own frame. */
enum { MARGIN = 64 };

void memory_paint_stack(void)
{
    volatile uint32_t here = 0;
    const uintptr_t limit = (uintptr_t)&here - MARGIN;
    for (uint32_t *word = port_stack_bottom(); word != NULL && (uintptr_t)word < limit; ++word) {
        *(volatile uint32_t *)word = PAINT;
    }
}

uint32_t memory_stack_used(void)
{
    const uint32_t *top = port_stack_top();
    const uint32_t *word = port_stack_bottom();
    while (word != top && *word == PAINT) {
        ++word;
    }
    return (uint32_t)((uintptr_t)top - (uintptr_t)word);
}

uint32_t memory_stack_reserved(void)
{
    return (uint32_t)((uintptr_t)port_stack_top() - (uintptr_t)port_stack_bottom());
}
