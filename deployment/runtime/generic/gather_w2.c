#include "packed_entries.h"

void tz_gather_w2(const tz_gather_packed_t *gather, const int32_t *indices, int8_t *output)
{
    gather_entries(gather, indices, 2, 1, output);
}
