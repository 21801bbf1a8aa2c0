/* Division of 64 by 32 bits. The compiler's own takes 800 bytes of flash on a core without that instruction; here speed
 * does not matter, because no token waits for it. */
#ifndef TEXTZOO_DIVIDE_H
#define TEXTZOO_DIVIDE_H

#include <stdint.h>

/* value / divisor, rounded down; divisor above 0. `remainder` may be NULL. */
uint64_t divide(uint64_t value, uint32_t divisor, uint32_t *remainder);

#endif
