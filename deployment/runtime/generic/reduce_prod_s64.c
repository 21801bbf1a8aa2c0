#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_prod_s64, int64_t, (uint64_t)result * (uint64_t)value)
