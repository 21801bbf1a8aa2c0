#define KERNEL tz_reduce_s16
#define TYPE int16_t
#define READ_AS int16_t
#define MINIMUM INT16_MIN
#define MAXIMUM INT16_MAX
#include "reduce_sum.inc"
