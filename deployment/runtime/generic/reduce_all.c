#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_all, uint8_t, result & value)
