#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_max_s64, int64_t, value > result ? value : result)
