#define KERNEL tz_reduce_prod_s8
#define TYPE int8_t
#define MINIMUM INT8_MIN
#define MAXIMUM INT8_MAX
#include "reduce_product.inc"
