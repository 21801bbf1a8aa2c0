#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_max_s16, int16_t, value > result ? value : result)
