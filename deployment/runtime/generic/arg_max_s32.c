#include "first_place.h"

TZ_FIRST_PLACE(tz_arg_max_s32, int32_t, >)
