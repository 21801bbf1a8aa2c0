/* Any core, channel by channel. */
#define VALUE int16_t
#define START INT16_MIN
#define GATHER value > gathered ? value : gathered
#define RESULT gathered

#include "pool_2d.inc"

void tz_max_pool_2d_s16(const tz_pool_2d_t *pool, const int16_t *input, int16_t *output)
{
    pool_all(pool, input, output);
}
