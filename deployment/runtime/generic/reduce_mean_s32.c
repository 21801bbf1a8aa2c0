#define KERNEL tz_reduce_mean_s32
#define TYPE int32_t
#include "reduce_mean.inc"
