#include "textzoo/weighted_sum_s16.h"

#define KERNEL tz_weighted_sum_s16
#define TYPE int16_t
#include "weighted_sum.inc"
