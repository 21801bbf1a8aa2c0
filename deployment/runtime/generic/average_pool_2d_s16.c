/* Any core, channel by channel. */
#define VALUE int16_t
#define START 0
#define GATHER gathered + value
#define RESULT (gathered > 0 ? gathered + count / 2 : gathered - count / 2) / count

#include "pool_2d.inc"

void tz_average_pool_2d_s16(const tz_pool_2d_t *pool, const int16_t *input, int16_t *output)
{
    pool_all(pool, input, output);
}
