#include "first_place.h"

TZ_FIRST_PLACE(tz_arg_max_u8, uint8_t, >)
