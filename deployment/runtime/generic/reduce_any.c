#define KERNEL tz_reduce_any
#define TYPE uint8_t
#define NEXT(result, value) ((result) | (value))
#include "fold_axis.inc"
