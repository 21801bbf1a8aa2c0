/* Sums wrap around in 32 bits, as LiteRT's do. */
#define KERNEL tz_batch_matmul_s8_s32
#define A int8_t
#define B int8_t
#define OUTPUT int32_t
#define SUM uint32_t
#define PRODUCT(product, a, b) ((a) * (b))
#define FINISH(product, sum) ((int32_t)(sum))
#include "batch_matmul.inc"
