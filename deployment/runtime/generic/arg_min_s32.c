#include "first_place.h"

TZ_FIRST_PLACE(tz_arg_min_s32, int32_t, <)
