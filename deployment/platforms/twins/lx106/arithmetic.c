/* Functions that compilers call for 64-bit products and for divisions, for which the lx106 has no instructions. Chips
 * with this core have them in the ROM, so that the compiler's library lacks them. It has the general functions for
 * 64-bit division. */
#include <stdint.h>

typedef union {
    uint64_t whole;
    struct {
        uint32_t low, high;
    } part;
} wide_t;

uint64_t __umulsidi3(uint32_t a, uint32_t b);
uint64_t __muldi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
int32_t __divsi3(int32_t dividend, int32_t divisor);
int32_t __modsi3(int32_t dividend, int32_t divisor);
int64_t __divmoddi4(int64_t dividend, int64_t divisor, int64_t *remainder);
uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder);
int64_t __divdi3(int64_t dividend, int64_t divisor);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);

/* The upper word of a * b, schoolbook with digits of 16 bits: no sum overflows, as (2^16 - 1)^2 + 2 (2^16 - 1) < 2^32. */
static inline uint32_t upper_product(uint32_t a, uint32_t b)
{
    const uint32_t a0 = a & 0xFFFFu, a1 = a >> 16, b0 = b & 0xFFFFu, b1 = b >> 16;
    const uint32_t middle = a1 * b0 + (a0 * b0 >> 16);
    const uint32_t other = a0 * b1 + (middle & 0xFFFFu);
    return a1 * b1 + (middle >> 16) + (other >> 16);
}

uint64_t __umulsidi3(uint32_t a, uint32_t b)
{
    wide_t product;
    product.part.low = a * b;
    product.part.high = upper_product(a, b);
    return product.whole;
}

uint64_t __muldi3(uint64_t a, uint64_t b)
{
    const wide_t x = {a}, y = {b};
    wide_t product = {__umulsidi3(x.part.low, y.part.low)};
    product.part.high += x.part.low * y.part.high + x.part.high * y.part.low;
    return product.whole;
}

/* Long division in binary from the first digit that can be 1; as with most processors, x / 0 is all ones. */
static uint32_t divide(uint32_t dividend, uint32_t divisor, uint32_t *remainder)
{
    uint32_t quotient = 0;
    *remainder = dividend;
    if (divisor == 0) {
        return UINT32_MAX;
    }
    if (dividend < divisor) {
        return 0;
    }
    int digit = __builtin_clz(divisor) - __builtin_clz(dividend);
    for (uint32_t part = divisor << digit; digit >= 0; --digit, part >>= 1) {
        quotient <<= 1;
        if (*remainder >= part) {
            *remainder -= part;
            quotient |= 1;
        }
    }
    return quotient;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor)
{
    uint32_t remainder;
    return divide(dividend, divisor, &remainder);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor)
{
    uint32_t remainder;
    divide(dividend, divisor, &remainder);
    return remainder;
}

static uint32_t absolute(int32_t value)
{
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

int32_t __divsi3(int32_t dividend, int32_t divisor)
{
    const uint32_t quotient = __udivsi3(absolute(dividend), absolute(divisor));
    return (int32_t)((dividend ^ divisor) < 0 ? 0u - quotient : quotient);
}

int32_t __modsi3(int32_t dividend, int32_t divisor)
{
    const uint32_t remainder = __umodsi3(absolute(dividend), absolute(divisor));
    return (int32_t)(dividend < 0 ? 0u - remainder : remainder);
}

int64_t __divdi3(int64_t dividend, int64_t divisor)
{
    int64_t remainder;
    return __divmoddi4(dividend, divisor, &remainder);
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder;
    return __udivmoddi4(dividend, divisor, &remainder);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder;
    __udivmoddi4(dividend, divisor, &remainder);
    return remainder;
}
