#include "textzoo/batch_matmul.h"

#include "textzoo/fixedpoint.h"

#define KERNEL tz_batch_matmul_s16
#define A int16_t
#define B int16_t
#define OUTPUT int16_t
#define SUM int64_t
#define PRODUCT(product, a, b) ((a) * (b))
#define FINISH(product, sum) tz_scaled_s16(sum, (tz_wide_scale_t){(product)->multiplier, (product)->shift})
#include "batch_matmul.inc"
