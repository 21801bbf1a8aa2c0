#include "benchmark.h"

#include <stddef.h>

#include "costs.h"
#include "counter.h"
#include "inputs.h"
#include "interruption.h"
#include "model.h"
#include "protocol.h"
#include "reply.h"

enum { RUNS = 4 };

uint64_t benchmark_inference(void)
{
    model_reset();
#ifdef TEXTZOO_PROFILE
    profile_begin_step();
#endif
    const uint64_t start = counter_start();
    model_run();
    return counter_elapsed(start);
}

void benchmark_run(void)
{
    costs_t costs;
    costs_begin(&costs);
    for (size_t run = 0; run < RUNS; ++run) {
        inputs_fill(run);
        costs_add(&costs, "run", benchmark_inference());
        if (run < RUNS - 1 && interruption_due()) {
            reply_error("benchmark", PROTOCOL_INTERRUPTED, NULL, 0);
            return;
        }
    }
    costs_reply(&costs, "runs");
    reply_number("macs_per_inference", MODEL_MACS);
    costs_reply_overlap(&costs);
    reply_end();
}
