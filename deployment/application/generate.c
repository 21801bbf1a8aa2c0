#include "generate.h"

#include "counter.h"
#include "sampler.h"
#include "stop.h"
#include "utf8.h"

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
    uint16_t recent[RECENT_TOKENS]; /* 16 bits, as vocabularies have at most 65,535 tokens */
} context;

/* Text before it is sent. Static, because model_step needs the stack at the same time. */
static struct {
    stop_t stop;
    size_t waiting; /* bytes at the start of `text` that begin a character */
    /* Waiting bytes; space for the bytes that stop_feed holds back; the bytes of one token. */
    char text[UTF8_MAX_BYTES - 1 + STOP_MAX_HELD + TOKENIZER_MAX_TOKEN_BYTES];
} output;

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

/* The logits (MODEL_VOCABULARY_SIZE) after the last token; NULL for an empty prompt. */
static const model_logit_t *feed_prompt(prompt_t *prompt)
{
    const model_logit_t *logits = NULL;
    context_reset();
    for (int32_t token = prompt_next(prompt); token >= 0; token = prompt_next(prompt)) {
        logits = context_feed(token);
    }
    return logits;
}

static void output_open(const options_t *options)
{
    stop_init(&output.stop, options->stop, options->stop_bytes);
    output.waiting = 0;
}

/* Append a token to the waiting bytes; returns how many bytes of output.text are final. */
static size_t output_add(int32_t token, bool last)
{
    char *end = output.text + output.waiting;
    char *portion = end + STOP_MAX_HELD; /* where stop_feed allows it */
    end += stop_feed(&output.stop, portion, tokenizer_decode(token, portion), end);
    last = last || stop_found(&output.stop);
    end += last ? stop_end(&output.stop, end) : 0;
    const size_t count = (size_t)(end - output.text);
    output.waiting = last ? 0 : utf8_incomplete(output.text, count);
    return count - output.waiting;
}

/* Drop the first `count` bytes, which were sent. */
static void output_drop(size_t count)
{
    for (size_t index = 0; index < output.waiting; ++index) {
        output.text[index] = output.text[count + index];
    }
}

/* The cost includes sampling and feeding, but not decoding and sending, which wait for the line. */
generated_t generate(const options_t *options, prompt_t prompt,
                     void (*emit)(int32_t token, const char *text, size_t bytes))
{
    generated_t result = {0, 0, ENDED_MAX_TOKENS};
    sampler_t sampler;
    sampler_init(&sampler, options->temperature, options->top_k, options->seed);
    output_open(options);
    const model_logit_t *logits = feed_prompt(&prompt);
    while (result.tokens < options->max_tokens) {
        uint64_t start = counter_start();
        const int32_t token = sampler_choose(&sampler, logits);
        result.cost += counter_elapsed(start);
        const bool enough = ++result.tokens == options->max_tokens;
        const bool full = options->past_end == PAST_END_STOP && context.position == MODEL_CONTEXT_LENGTH;
        const size_t certain = output_add(token, enough || full);
        emit(token, output.text, certain);
        output_drop(certain);
        if (stop_found(&output.stop)) {
            result.ended = ENDED_STOP;
            break;
        }
        if (enough || full) {
            result.ended = enough ? ENDED_MAX_TOKENS : ENDED_CONTEXT_FULL;
            break;
        }
        start = counter_start();
        logits = context_feed(token);
        result.cost += counter_elapsed(start);
    }
    return result;
}
