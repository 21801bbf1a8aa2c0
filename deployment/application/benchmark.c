#include "benchmark.h"

#include <stdbool.h>
#include <stddef.h>

#include "costs.h"
#include "counter.h"
#include "generate.h"
#include "interruption.h"
#include "model.h"
#include "protocol.h"
#include "reply.h"
#include "sampler.h"

enum { ONE_Q16 = 1 << 16 };

/* One token per position. It is chosen at random (seed 1, temperature 1), so that the tokens are those of real text. The
 * cost of sampling the next token is no part of `costs`. Returns false if it was interrupted. */
static bool measure(costs_t *costs, uint64_t *sampling)
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
        *sampling += counter_elapsed(start);
        costs_add(costs, "position", cost);
        if (position < MODEL_CONTEXT_LENGTH - 1 && interruption_due()) {
            return false;
        }
    }
    return true;
}

void benchmark_run(void)
{
    costs_t costs;
    uint64_t sampling = 0;
    context_reset();
    costs_begin(&costs);
    const bool is_complete = measure(&costs, &sampling);
    context_reset();
    if (!is_complete) {
        reply_error("benchmark", PROTOCOL_INTERRUPTED, NULL, 0);
        return;
    }
    costs_reply(&costs, "positions");
    reply_number("sampling_mean", costs_mean(&costs, sampling));
    reply_number("macs_per_token", MODEL_MACS);
    costs_reply_overlap(&costs);
    reply_end();
}
