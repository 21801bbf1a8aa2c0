#define KERNEL tz_cumsum_s32
#define TYPE int32_t
#define UNSIGNED uint32_t
#include "cumsum.inc"
