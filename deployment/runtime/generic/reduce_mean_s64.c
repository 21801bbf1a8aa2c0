#define KERNEL tz_reduce_mean_s64
#define TYPE int64_t
#include "reduce_mean.inc"
