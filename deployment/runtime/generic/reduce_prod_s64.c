#define KERNEL tz_reduce_prod_s64
#define TYPE int64_t
#define NEXT(result, value) ((uint64_t)(result) * (uint64_t)(value))
#include "fold_axis.inc"
