#define KERNEL tz_arg_max_s8
#define TYPE int8_t
#define BETTER(value, best) ((value) > (best))
#include "first_of_axis.inc"
