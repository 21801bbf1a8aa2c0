#define KERNEL tz_reduce_max_s8
#define TYPE int8_t
#define NEXT(result, value) ((value) > (result) ? (value) : (result))
#include "fold_axis.inc"
