#define KERNEL tz_arg_min_s32
#define TYPE int32_t
#define BETTER(value, best) ((value) < (best))
#include "first_of_axis.inc"
