#include "textzoo/weighted_sum_s8.h"

#define KERNEL tz_weighted_sum_s8
#define TYPE int8_t
#include "weighted_sum.inc"
