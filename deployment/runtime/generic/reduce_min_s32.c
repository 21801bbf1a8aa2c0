#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_min_s32, int32_t, value < result ? value : result)
