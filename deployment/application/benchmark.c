#include "benchmark.h"

#include <stddef.h>

#include "counter.h"
#include "divide.h"
#include "generate.h"
#include "interruption.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "reply.h"
#include "sampler.h"

enum { ONE_Q16 = 1 << 16 };

typedef struct {
    uint64_t model;    /* units of the counter, over all positions */
    uint64_t sampling; /* of sampling the next token, not part of `model` */
    uint64_t smallest; /* step of the model */
    uint64_t largest;
} costs_t;

/* A JSON reply is sent per step, because storing the costs of all steps would need memory. */
static void add_step(costs_t *costs, int32_t position, uint64_t cost)
{
    costs->model += cost;
    costs->smallest = cost < costs->smallest ? cost : costs->smallest;
    costs->largest = cost > costs->largest ? cost : costs->largest;
    if (reply_is_json()) {
        reply_line("benchmark");
        reply_number("position", (uint32_t)position);
        reply_number("cost", cost);
        reply_end();
    }
}

/* One token per position. It is chosen at random (seed 1, temperature 1), so that the tokens are those of real text.
 * Returns false if it was interrupted. */
static bool measure(costs_t *costs)
{
    sampler_t sampler;
    int32_t chosen = 0;
    sampler_init(&sampler, ONE_Q16, 0, 1);
    for (int32_t position = 0; position < MODEL_CONTEXT_LENGTH; ++position) {
        const int32_t token = position < MODEL_CHECK_TOKENS ? model_check_tokens[position] : chosen;
#ifdef TEXTZOO_PROFILE
        profile_begin_step();
#endif
        uint64_t start = counter_start();
        const model_logit_t *logits = model_step(token, position);
        const uint64_t cost = counter_elapsed(start);
        start = counter_start();
        chosen = sampler_choose(&sampler, logits);
        costs->sampling += counter_elapsed(start);
        add_step(costs, position, cost);
        if (position < MODEL_CONTEXT_LENGTH - 1 && interruption_due()) {
            return false;
        }
    }
    return true;
}

/* Per position, rounded. */
static uint64_t mean_of(uint64_t sum)
{
    return divide(sum + MODEL_CONTEXT_LENGTH / 2, MODEL_CONTEXT_LENGTH, NULL);
}

#ifdef TEXTZOO_PROFILE
static void reply_profile(void)
{
    for (int index = 0; index < MODEL_STEPS; ++index) {
        reply_line("profile");
        reply_number("index", (uint32_t)index);
        reply_text("name", model_step_names[index]);
        reply_text("kind", model_step_kinds[index]);
        reply_number("cost", profile_total(index));
        reply_end();
    }
}
#endif

void benchmark_run(void)
{
    context_reset();
#ifdef TEXTZOO_PROFILE
    profile_reset();
#endif
    costs_t costs = {0, 0, UINT64_MAX, 0};
    const bool is_complete = measure(&costs);
    context_reset();
    if (!is_complete) {
        reply_error("benchmark", PROTOCOL_INTERRUPTED, NULL, 0);
        return;
    }
#ifdef TEXTZOO_PROFILE
    reply_profile();
#endif
    reply_last("benchmark");
    reply_number("positions", MODEL_CONTEXT_LENGTH);
    reply_text("counter", port_counter_name());
    reply_number("cost", costs.model);
    reply_number("mean", mean_of(costs.model));
    reply_number("smallest", costs.smallest);
    reply_number("largest", costs.largest);
    reply_number("sampling_mean", mean_of(costs.sampling));
    reply_number("macs_per_token", MODEL_MACS);
#if defined(TEXTZOO_PROFILE) && defined(MODEL_SECOND_CORE)
    reply_number("overlap_mean", mean_of(profile_overlap()));
#endif
    reply_end();
}
