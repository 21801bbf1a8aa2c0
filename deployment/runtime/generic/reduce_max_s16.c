#define KERNEL tz_reduce_max_s16
#define TYPE int16_t
#define NEXT(result, value) ((value) > (result) ? (value) : (result))
#include "fold_axis.inc"
