#include "divide.h"

#include <stddef.h>

/* Long division in binary: the remainder stays below the divisor, so that it fits 33 bits with the next digit. */
uint64_t divide(uint64_t value, uint32_t divisor, uint32_t *remainder)
{
    uint64_t left = 0; /* the remainder so far */
    for (int digit = 0; digit < 64; ++digit) {
        left = left << 1 | value >> 63;
        value <<= 1; /* makes room for a digit of the result */
        if (left >= divisor) {
            left -= divisor;
            value |= 1;
        }
    }
    if (remainder != NULL) {
        *remainder = (uint32_t)left;
    }
    return value;
}
