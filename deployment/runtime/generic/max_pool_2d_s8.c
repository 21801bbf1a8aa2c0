/* Any core, channel by channel. */
#define VALUE int8_t
#define START INT8_MIN
#define GATHER value > gathered ? value : gathered
#define RESULT gathered

#include "pool_2d.inc"

void tz_max_pool_2d_s8(const tz_pool_2d_t *pool, const int8_t *input, int8_t *output)
{
    pool_all(pool, input, output);
}
