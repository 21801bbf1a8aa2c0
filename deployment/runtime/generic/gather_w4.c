#include "packed_entries.h"

void tz_gather_w4(const tz_gather_packed_t *gather, const int32_t *indices, int8_t *output)
{
    gather_entries(gather, indices, 4, 8, output);
}
