#define KERNEL tz_reduce_max_s64
#define TYPE int64_t
#define NEXT(result, value) ((value) > (result) ? (value) : (result))
#include "fold_axis.inc"
