#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_max_s8, int8_t, value > result ? value : result)
