#define KERNEL tz_reduce_prod_s32
#define TYPE int32_t
#define NEXT(result, value) ((uint32_t)(result) * (uint32_t)(value))
#include "fold_axis.inc"
