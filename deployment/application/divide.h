/* Division of 64 by 32 bits. The compiler's own function takes 800 bytes of flash on a core without that instruction;
 * speed does not matter here, because no kernel divides. */
#ifndef TEXTZOO_DIVIDE_H
#define TEXTZOO_DIVIDE_H

#include <stdint.h>

/* value / divisor, rounded down; divisor above 0. `remainder` may be NULL. */
uint64_t divide(uint64_t value, uint32_t divisor, uint32_t *remainder);

#endif
