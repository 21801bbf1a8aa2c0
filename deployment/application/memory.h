/* High-water mark of the stack: it is filled with a pattern at the start, and used words have lost the pattern. */
#ifndef TEXTZOO_MEMORY_H
#define TEXTZOO_MEMORY_H

#include <stdint.h>

/* Fill the stack below the caller with the pattern; once, as early as possible. */
void memory_paint_stack(void);

/* High-water mark since then and the size of the stack, in bytes; 0 if the operating system owns the stack. */
uint32_t memory_stack_used(void);
uint32_t memory_stack_reserved(void);

#endif
