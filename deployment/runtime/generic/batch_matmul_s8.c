#include "textzoo/batch_matmul.h"

#include "textzoo/fixedpoint.h"

/* Sums wrap around in 32 bits, as LiteRT's do, and so does adding the zero point. */
#define SCALED(product, sum) ((uint32_t)tz_scale_double((int32_t)(sum), (product)->multiplier, (int)(product)->shift))

#define KERNEL tz_batch_matmul_s8
#define A int8_t
#define B int8_t
#define OUTPUT int8_t
#define SUM uint32_t
#define PRODUCT(product, a, b) (((a) - (product)->a_zero_point) * ((b) - (product)->b_zero_point))
#define FINISH(product, sum)                                                                                           \
    ((int8_t)tz_clamp((int32_t)(SCALED(product, sum) + (uint32_t)(product)->output_zero_point), INT8_MIN, INT8_MAX))
#include "batch_matmul.inc"
