#include "../internal/softmax_parts.h"

/* An exponential over the sum in steps of 1/65536: 8 bits more than tz_probability, of the same reciprocal. */
static int32_t fine_probability(int32_t exponential, tz_reciprocal_t reciprocal)
{
    const int32_t product = tz_high_multiply(reciprocal.multiplier, exponential);
    return tz_clamp(tz_divide_by_power(product, reciprocal.exponent - 8), 0, UINT16_MAX);
}

#define KERNEL tz_softmax_s8_s16
#define OUTPUT int16_t
#define PROBABILITY fine_probability
#define ZERO_POINT INT16_MIN
#include "softmax_s8.inc"
