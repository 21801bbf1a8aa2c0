#include "generate.h"

#include "counter.h"
#include "grammar.h"
#include "sampler.h"
#include "stop.h"
#include "utf8.h"

#if MODEL_CONTEXT_LENGTH < 2
#error "a context of one token leaves no room to slide"
#endif
#if TOKENIZER_VOCABULARY_SIZE != MODEL_VOCABULARY_SIZE
#error "tokenizer.h and model.h have different vocabularies"
#endif
#if GRAMMAR_VOCABULARY_SIZE != MODEL_VOCABULARY_SIZE
#error "grammar_table.h and model.h have different vocabularies"
#endif

enum { RECENT_TOKENS = MODEL_CONTEXT_LENGTH / 2 };

/* The last RECENT_TOKENS tokens fed, as a ring: once it is full, recent[next] is the oldest. */
static struct {
    int32_t position;
    int32_t next;
    int32_t again;                  /* tokens of the ring that still have to be fed again */
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
    context.again = 0;
}

int32_t context_position(void)
{
    return context.position;
}

static int32_t after(int32_t index)
{
    return index + 1 < RECENT_TOKENS ? index + 1 : 0;
}

/* One step of the model: NULL while the context slides, which takes RECENT_TOKENS steps; then the logits after `token`.
 * The ring is full when it slides: MODEL_CONTEXT_LENGTH tokens were fed since the reset. */
static const model_logit_t *context_step(int32_t token)
{
    if (context.position == MODEL_CONTEXT_LENGTH) {
        model_reset();
        context.position = 0;
        context.again = RECENT_TOKENS;
    }
    const int32_t index = context.next;
    context.next = after(index);
    if (context.again > 0) {
        --context.again;
        model_step(context.recent[index], context.position++);
        return NULL;
    }
    context.recent[index] = (uint16_t)token;
    return model_step(token, context.position++);
}

const model_logit_t *context_feed(int32_t token)
{
    const model_logit_t *logits;
    do {
        logits = context_step(token);
    } while (logits == NULL);
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

void generation_begin(generation_t *generation, const options_t *options, prompt_t prompt)
{
    generation->options = options;
    generation->prompt = prompt;
    generation->token = prompt_next(&generation->prompt);
    generation->is_prompt = true;
    generation->text = output.text;
    generation->bytes = 0;
    generation->tokens = 0;
    generation->cost = 0;
    generation->ended = NOT_ENDED;
    sampler_init(&generation->sampler, options->temperature, options->top_k, options->seed);
    output_open(options);
    context_reset();
}

/* Feed `token`, and find the next one of the prompt. Logits are NULL if tokens are to be fed before one is chosen. */
static const model_logit_t *feed_prompt(generation_t *generation)
{
    const model_logit_t *logits = context_step(generation->token);
    if (logits == NULL) {
        return NULL;
    }
    const int32_t token = prompt_next(&generation->prompt);
    if (token < 0) {
        generation->is_prompt = false;
        return logits;
    }
    generation->token = token;
    return NULL;
}

/* How many tokens can still come, the next one included. */
static int32_t tokens_left(const generation_t *generation)
{
    const options_t *options = generation->options;
    const int32_t wanted = options->max_tokens - generation->tokens;
    const int32_t room = MODEL_CONTEXT_LENGTH - context.position + 1; /* the last one is not fed */
    return options->past_end == PAST_END_STOP && room < wanted ? room : wanted;
}

/* A token that is the only one draws no random number. */
static int32_t next_token(generation_t *generation, const model_logit_t *logits)
{
    const int32_t only = grammar_only();
    const int32_t token = only != GRAMMAR_NO_TOKEN ? only : sampler_choose(&generation->sampler, logits);
    grammar_advance(token, tokens_left(generation) - 1);
    return token;
}

/* Choose a token and pass its text on. */
static void choose(generation_t *generation, const model_logit_t *logits)
{
    const options_t *options = generation->options;
    const uint64_t start = counter_start();
    const int32_t token = next_token(generation, logits);
    generation->cost += counter_elapsed(start);
    const bool enough = ++generation->tokens == options->max_tokens;
    const bool full = options->past_end == PAST_END_STOP && context.position == MODEL_CONTEXT_LENGTH;
    generation->token = token;
    const bool over = grammar_is_over();
    generation->bytes = output_add(token, enough || full || over);
    if (stop_found(&output.stop)) {
        generation->ended = ENDED_STOP;
    } else if (grammar_is_whole()) {
        generation->ended = ENDED_GRAMMAR;
    } else if (enough || full || over) {
        generation->ended = enough || over ? ENDED_MAX_TOKENS : ENDED_CONTEXT_FULL;
    }
}

/* The cost includes sampling and feeding, but not decoding and sending, which wait for the line. */
static const model_logit_t *feed(generation_t *generation)
{
    const uint64_t start = counter_start();
    const model_logit_t *logits = context_step(generation->token);
    generation->cost += counter_elapsed(start);
    return logits;
}

generation_step_t generation_next(generation_t *generation)
{
    if (generation->ended != NOT_ENDED) {
        return GENERATION_ENDED;
    }
    output_drop(generation->bytes);
    generation->bytes = 0;
    const model_logit_t *logits = generation->is_prompt ? feed_prompt(generation) : feed(generation);
    if (logits == NULL) {
        return GENERATION_FED;
    }
    if (generation->tokens == 0) {
        grammar_begin(options_grammar(generation->options), tokens_left(generation));
    }
    if (generation->options->max_tokens == 0 || grammar_is_over()) {
        generation->ended = ENDED_MAX_TOKENS;
        return GENERATION_ENDED;
    }
    choose(generation, logits);
    return GENERATION_TOKEN;
}

void generation_interrupt(generation_t *generation)
{
    output_drop(generation->bytes);
    generation->bytes = output.waiting + stop_end(&output.stop, output.text + output.waiting);
    generation->ended = ENDED_INTERRUPTED;
}
