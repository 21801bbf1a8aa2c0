/* One core: the second job runs after the first. */
#include "textzoo/parallel.h"

#ifdef TEXTZOO_PROFILE
void textzoo_profile_parallel(int jobs_done); /* of the application's counter.c */
#define MARK(jobs_done) textzoo_profile_parallel(jobs_done)
#else
#define MARK(jobs_done) ((void)0)
#endif

void tz_parallel(tz_job_t job, const tz_shard_t *first, const tz_shard_t *second)
{
    MARK(0);
    job(first);
    MARK(1);
    job(second);
    MARK(2);
}

uint32_t tz_parallel_stack_used(void)
{
    return 0;
}

uint32_t tz_parallel_stack_reserved(void)
{
    return 0;
}
