#define KERNEL tz_reduce_prod_s16
#define TYPE int16_t
#define MINIMUM INT16_MIN
#define MAXIMUM INT16_MAX
#include "reduce_product.inc"
