#include "costs.h"

#include <stddef.h>

#include "counter.h"
#include "divide.h"
#include "model.h"
#include "port.h"
#include "reply.h"

void costs_begin(costs_t *costs)
{
    costs->sum = 0;
    costs->smallest = UINT64_MAX;
    costs->largest = 0;
    costs->count = 0;
#ifdef TEXTZOO_PROFILE
    profile_reset();
#endif
}

void costs_add(costs_t *costs, const char *place, uint64_t cost)
{
    costs->sum += cost;
    costs->smallest = cost < costs->smallest ? cost : costs->smallest;
    costs->largest = cost > costs->largest ? cost : costs->largest;
    if (reply_is_json()) {
        reply_line("benchmark");
        reply_number(place, costs->count);
        reply_number("cost", cost);
        reply_end();
    }
    ++costs->count;
}

uint64_t costs_mean(const costs_t *costs, uint64_t sum)
{
    return divide(sum + costs->count / 2, costs->count, NULL);
}

static void reply_profile(void)
{
#ifdef TEXTZOO_PROFILE
    for (int index = 0; index < MODEL_STEPS; ++index) {
        reply_line("profile");
        reply_number("index", (uint32_t)index);
        reply_text("name", model_step_names[index]);
        reply_text("kind", model_step_kinds[index]);
        reply_number("cost", profile_total(index));
        reply_end();
    }
#endif
}

void costs_reply(const costs_t *costs, const char *steps)
{
    reply_profile();
    reply_last("benchmark");
    reply_number(steps, costs->count);
    reply_text("counter", port_counter_name());
    reply_number("cost", costs->sum);
    reply_number("mean", costs_mean(costs, costs->sum));
    reply_number("smallest", costs->smallest);
    reply_number("largest", costs->largest);
}

void costs_reply_overlap(const costs_t *costs)
{
#if defined(TEXTZOO_PROFILE) && defined(MODEL_SECOND_CORE)
    reply_number("overlap_mean", costs_mean(costs, profile_overlap()));
#else
    (void)costs;
#endif
}
