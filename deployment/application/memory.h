/* How much of the stack was ever used: it is painted at the start, and what lost its paint was used. */
#ifndef TEXTZOO_MEMORY_H
#define TEXTZOO_MEMORY_H

#include <stdint.h>

/* Paint what is below the caller; once, as early as possible. */
void memory_paint_stack(void);

/* High-water mark since then and the size of the stack, in bytes; 0 where the system owns it. */
uint32_t memory_stack_used(void);
uint32_t memory_stack_reserved(void);

#endif
