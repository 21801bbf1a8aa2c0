#define KERNEL tz_sum_s8
#define TYPE int8_t
#define READ_AS uint8_t
#define MINIMUM 0
#define MAXIMUM UINT8_MAX
#include "reduce_sum.inc"
