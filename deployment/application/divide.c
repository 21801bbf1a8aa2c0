#include "divide.h"

#include <stddef.h>

/* Long division in binary: the rest stays below the divisor, so that it fits 33 bits with the next digit. */
uint64_t divide(uint64_t value, uint32_t divisor, uint32_t *remainder)
{
    uint64_t rest = 0;
    for (int digit = 0; digit < 64; ++digit) {
        rest = rest << 1 | value >> 63;
        value <<= 1; /* makes room for a digit of the result */
        if (rest >= divisor) {
            rest -= divisor;
            value |= 1;
        }
    }
    if (remainder != NULL) {
        *remainder = (uint32_t)rest;
    }
    return value;
}
