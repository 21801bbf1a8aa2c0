#define KERNEL tz_cumsum_s64
#define TYPE int64_t
#define UNSIGNED uint64_t
#include "cumsum.inc"
