#define KERNEL tz_reduce_min_s64
#define TYPE int64_t
#define NEXT(result, value) ((value) < (result) ? (value) : (result))
#include "fold_axis.inc"
