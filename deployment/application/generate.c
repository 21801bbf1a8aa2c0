#include "generate.h"

#include "counter.h"
#include "sampler.h"

#if MODEL_CONTEXT_LENGTH < 2
#error "a context of one token leaves no room to slide"
#endif
#if TOKENIZER_VOCABULARY_SIZE != MODEL_VOCABULARY_SIZE
#error "tokenizer.h and model.h have different vocabularies"
#endif

enum { RECENT_TOKENS = MODEL_CONTEXT_LENGTH / 2 };

/* The last RECENT_TOKENS tokens fed, as a ring: once it is full, recent[next] is the oldest. */
static struct {
    int32_t position;
    int32_t next;
    uint16_t recent[RECENT_TOKENS];
} context;

void context_reset(void)
{
    model_reset();
    context.position = 0;
    context.next = 0;
}

int32_t context_position(void)
{
    return context.position;
}

/* The ring is full here: MODEL_CONTEXT_LENGTH tokens were fed since the reset. */
static void slide(void)
{
    int32_t index = context.next;
    model_reset();
    for (context.position = 0; context.position < RECENT_TOKENS; ++context.position) {
        model_step(context.recent[index], context.position);
        index = index + 1 < RECENT_TOKENS ? index + 1 : 0;
    }
}

const model_logit_t *context_feed(int32_t token)
{
    if (context.position == MODEL_CONTEXT_LENGTH) {
        slide();
    }
    context.recent[context.next] = (uint16_t)token;
    context.next = context.next + 1 < RECENT_TOKENS ? context.next + 1 : 0;
    return model_step(token, context.position++);
}

static const model_logit_t *feed_prompt(prompt_t *prompt)
{
    const model_logit_t *logits = NULL;
    context_reset();
    for (int32_t token = prompt_next(prompt); token >= 0; token = prompt_next(prompt)) {
        logits = context_feed(token);
    }
    return logits;
}

generated_t generate(const options_t *options, prompt_t prompt, void (*emit)(int32_t token))
{
    generated_t result = {0, 0, ENDED_MAX_TOKENS};
    sampler_t sampler;
    sampler_init(&sampler, options->temperature, options->top_k, options->seed);
    const model_logit_t *logits = feed_prompt(&prompt);
    while (result.tokens < options->max_tokens) {
        uint64_t start = counter_start();
        const int32_t token = sampler_choose(&sampler, logits);
        result.cost += counter_elapsed(start);
        emit(token);
        if (++result.tokens == options->max_tokens) {
            break;
        }
        if (options->past_end == PAST_END_STOP && context.position == MODEL_CONTEXT_LENGTH) {
            result.ended = ENDED_CONTEXT_FULL;
            break;
        }
        start = counter_start();
        logits = context_feed(token);
        result.cost += counter_elapsed(start);
    }
    return result;
}
