#define KERNEL tz_reduce_max_s32
#define TYPE int32_t
#define NEXT(result, value) ((value) > (result) ? (value) : (result))
#include "fold_axis.inc"
