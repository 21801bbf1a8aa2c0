#include "fold_axis.h"

TZ_FOLD_AXIS(tz_reduce_any, uint8_t, result | value)
