#define KERNEL tz_arg_min_u8
#define TYPE uint8_t
#define BETTER(value, best) ((value) < (best))
#include "first_of_axis.inc"
