#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_sum_s32, int32_t, (uint32_t)result + (uint32_t)value)
