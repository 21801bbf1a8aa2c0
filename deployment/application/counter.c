#include "counter.h"

#include "port.h"
#ifdef TEXTZOO_PROFILE
#include "model.h"
#endif

enum { CALIBRATION_ROUNDS = 8 };

static uint64_t reading_cost; /* of two readings with nothing between them */

uint64_t counter_start(void)
{
    return port_counter();
}

uint64_t counter_elapsed(uint64_t start)
{
    return port_counter() - start - reading_cost;
}

/* The minimum of several readings, because of cold caches. */
static uint64_t smallest_reading(void)
{
    uint64_t smallest = UINT64_MAX;
    for (int round = 0; round < CALIBRATION_ROUNDS; ++round) {
        const uint64_t cost = counter_elapsed(counter_start());
        smallest = cost < smallest ? cost : smallest;
    }
    return smallest;
}

#ifdef TEXTZOO_PROFILE
static struct {
    uint64_t totals[MODEL_STEPS]; /* per kernel */
    uint64_t previous;            /* reading at the last mark */
    uint64_t mark_cost;           /* of an empty kernel */
    uint64_t overlap;             /* cost of the shorter shards */
    uint64_t last_shard;          /* cost of the previous shard */
    uint64_t before_shard;        /* reading */
    uint64_t shard_cost;          /* of measuring an empty shard */
} profile;

/* Two readings, so that the bookkeeping between them is not attributed to a kernel. */
void textzoo_profile_mark(int index)
{
    const uint64_t now = port_counter();
    if (index >= 0 && index < MODEL_STEPS) {
        profile.totals[index] += now - profile.previous - profile.mark_cost;
    }
    profile.previous = port_counter();
}

void profile_reset(void)
{
    for (int index = 0; index < MODEL_STEPS; ++index) {
        profile.totals[index] = 0;
    }
    profile.overlap = 0;
}

void profile_begin_step(void)
{
    profile.previous = port_counter();
}

uint64_t profile_total(int index)
{
    /* A PC's clock is coarse: the difference may be negative for a kernel that takes less time than a mark. */
    const uint64_t total = profile.totals[index];
    return total <= INT64_MAX ? total : 0;
}

/* The cost of measuring is not attributed to a kernel: the start of the current kernel is moved by it. */
void textzoo_profile_parallel(int jobs_done)
{
    const uint64_t now = port_counter();
    const uint64_t cost = now - profile.before_shard - profile.shard_cost;
    if (jobs_done == 2) {
        profile.overlap += cost < profile.last_shard ? cost : profile.last_shard;
    }
    profile.last_shard = cost;
    profile.before_shard = port_counter();
    profile.previous += profile.before_shard - now;
}

uint64_t profile_overlap(void)
{
    return profile.overlap;
}

static void calibrate_shards(void)
{
    profile.shard_cost = 0;
    for (int jobs_done = 0; jobs_done < 2; ++jobs_done) {
        textzoo_profile_parallel(jobs_done);
    }
    profile.shard_cost = profile.last_shard;
}

static void calibrate_marks(void)
{
    profile.mark_cost = 0;
    profile_reset();
    profile_begin_step();
    textzoo_profile_mark(0);
    profile.mark_cost = profile.totals[0];
    profile_reset();
}
#endif

void counter_calibrate(void)
{
    reading_cost = 0;
    reading_cost = smallest_reading();
#ifdef TEXTZOO_PROFILE
    calibrate_shards();
    calibrate_marks();
#endif
}
