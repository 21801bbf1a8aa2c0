#define KERNEL tz_softmax_s8
#define OUTPUT int8_t
#define PROBABILITY tz_probability
#define ZERO_POINT INT8_MIN
#include "softmax_s8.inc"
