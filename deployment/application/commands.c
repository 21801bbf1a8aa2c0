#include "commands.h"

#include "benchmark.h"
#include "device.h"
#include "divide.h"
#include "generate.h"
#include "hook.h"
#include "interruption.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "reply.h"
#include "self_check.h"
#include "text.h"

options_t commands_options;

static const char *past_end_name(past_end_t past_end)
{
    return past_end == PAST_END_STOP ? "stop" : "slide";
}

static void reply_options(const options_t *options)
{
    reply_number("seed", options->seed);
    reply_q16("temperature", options->temperature);
    reply_number("temperature_q16", options->temperature);
    reply_number("top_k", (uint32_t)options->top_k);
    reply_number("max_tokens", (uint32_t)options->max_tokens);
    reply_text("past_end", past_end_name(options->past_end));
    reply_text("unknown", options->unknown == UNKNOWN_TOKEN ? "unk" : "error");
    reply_escaped("stop", options->stop, options->stop_bytes);
#if GRAMMAR_BYTES > 0
    reply_text("grammar", options->grammar ? "on" : "off");
#endif
}

static void command_info(const request_t *request)
{
    (void)request;
    reply_last("info");
    device_reply_identity();
    reply_number("vocabulary_size", MODEL_VOCABULARY_SIZE);
    reply_number("context_length", MODEL_CONTEXT_LENGTH);
    reply_number("logit_bits", 8 * sizeof(model_logit_t));
    reply_number("logit_unit", MODEL_LOGIT_UNIT);
    reply_number("macs_per_token", MODEL_MACS);
    reply_text("tokenizer", TOKENIZER_KIND);
    device_reply_counter();
    reply_options(&commands_options);
#if GRAMMAR_BYTES > 0
    reply_hex32("grammar_crc32", GRAMMAR_CRC32);
#endif
    reply_end();
}

static void command_set(const request_t *request)
{
    commands_options = request->options;
    if (reply_is_json()) {
        reply_last("set");
    } else {
        reply_line("set"); /* people get all options in one line */
    }
    reply_options(&commands_options);
    reply_end();
}

/* text: (bytes) the text that is final after the token. Sent at once interactively, as one reply per token in JSON. */
static void emit_text(int32_t token, const char *text, size_t bytes)
{
    if (reply_is_json()) {
        reply_line("generate");
        reply_number("token", (uint32_t)token);
        reply_bytes("text", text, bytes);
        reply_end();
    } else {
        write_bytes(text, bytes);
        port_flush();
    }
}

/* Why generation ended: in JSON, and interactively. */
static const struct {
    const char *name;
    const char *remark;
} endings[] = {
    [ENDED_MAX_TOKENS] = {"max_tokens", "]\n"},
    [ENDED_CONTEXT_FULL] = {"context_full", "; the context is full]\n"},
    [ENDED_STOP] = {"stop", "; the stop text came]\n"},
    [ENDED_INTERRUPTED] = {"interrupted", "; interrupted]\n"},
#if GRAMMAR_BYTES > 0
    [ENDED_GRAMMAR] = {"grammar", "; the text is whole]\n"},
#endif
};

/* Call on_command for an answer. NULL, or why it was not called. */
static const char *call_hook(const generation_t *result, bool is_repeated)
{
    return result->ended == ENDED_INTERRUPTED ? PROTOCOL_INTERRUPTED : hook_call(is_repeated);
}

/* The end of an answer that is a command, interactively. */
static void finish_command(const generation_t *result)
{
    write_text("\n");
    const char *problem = call_hook(result, false);
    if (problem != NULL) {
        reply_error("generate", problem, NULL, 0);
    }
    port_flush();
}

static void reply_generated(const generation_t *result, int32_t prompt_tokens, const request_t *request)
{
    const bool is_interrupted = result->ended == ENDED_INTERRUPTED;
    if (!reply_is_json()) {
        if (request_calls(request)) {
            finish_command(result);
            return;
        }
        write_bytes(result->text, is_interrupted ? result->bytes : 0);
        write_text("\n[");
        write_number((uint32_t)result->tokens);
        write_text(" tokens");
        if (result->tokens > 0) {
            write_text(", ");
            write_number(divide(result->cost, (uint32_t)result->tokens, NULL));
            write_text(" ");
            write_text(port_counter_name());
            write_text(" each");
        }
        write_text(endings[result->ended].remark);
        port_flush();
        return;
    }
    const char *problem = request_calls(request) ? call_hook(result, request->is_repeated) : NULL;
    reply_last("generate");
    reply_number("prompt_tokens", (uint32_t)prompt_tokens);
    reply_number("tokens", (uint32_t)result->tokens);
    reply_number("cost", result->cost);
    reply_text("counter", port_counter_name());
    reply_text("ended", endings[result->ended].name);
    if (is_interrupted) {
        reply_bytes("text", result->text, result->bytes);
    }
    if (request_calls(request)) {
        reply_text("on_command", problem == NULL ? "called" : problem);
    }
    reply_end();
}

/* The tokens of `prompt` commands, for the commands without a prompt that follow. */
static struct {
    int32_t count;
    uint16_t tokens[MODEL_CONTEXT_LENGTH];
} stored;

static prompt_t prompt_of(const request_t *request)
{
    return request->has_prompt ? request->prompt : prompt_of_array(stored.tokens, stored.count);
}

/* The number of tokens of the request's prompt, or -1 after an error was replied. */
static int32_t checked_prompt(const request_t *request, const char *answer)
{
    prompt_t prompt = prompt_of(request);
    const int32_t count = prompt_count(&prompt);
    if (count > 0) {
        return count;
    }
    if (count == PROMPT_NOT_A_TOKEN) {
        reply_error(answer, "not in the vocabulary", prompt.piece, prompt.piece_bytes);
    } else {
        reply_error(answer, "the prompt is empty", NULL, 0);
    }
    return -1;
}

#if GRAMMAR_HAS_SPANS
/* Give the grammar what its spans are copied from; false after an error was replied. */
static bool take_input(const request_t *request)
{
    const prompt_t prompt = prompt_of(request);
    if (request->has_input) {
        grammar_input(request->input.text, request->input.bytes);
    } else if (prompt.kind == PROMPT_TEXT) {
        grammar_input(prompt.text.bytes, prompt.text.count);
    } else if (request->options.grammar) {
        reply_error("generate", "input is missing: the grammar copies from it", NULL, 0);
        return false;
    }
    return true;
}
#else
static bool take_input(const request_t *request)
{
    (void)request;
    return true;
}
#endif

/* Whether the grammar has a text that is short enough; an error was replied if not. */
static bool grammar_has_room(const options_t *options, int32_t prompt_tokens)
{
#if GRAMMAR_BYTES > 0
    const int32_t room = options->past_end == PAST_END_STOP ? MODEL_CONTEXT_LENGTH - prompt_tokens + 1 : INT32_MAX;
    if (options->grammar && (options->max_tokens < grammar_shortest() || room < grammar_shortest())) {
        reply_error("generate", "max_tokens or the context is too short for any text of the grammar", NULL, 0);
        return false;
    }
#else
    (void)options;
    (void)prompt_tokens;
#endif
    return true;
}

static void command_generate(const request_t *request)
{
    const int32_t count = checked_prompt(request, "generate");
    if (count < 0) {
        return;
    }
    if (request->options.past_end == PAST_END_STOP && count > MODEL_CONTEXT_LENGTH) {
        reply_error("generate", "the prompt is longer than the context", NULL, 0);
        return;
    }
    if (!take_input(request) || !grammar_has_room(&request->options, count)) {
        return;
    }
    generation_t generation;
    generation_begin(&generation, &request->options, prompt_of(request));
    interruption_begin(request->is_repeated);
    hook_begin();
    generation_step_t step;
    while ((step = generation_next(&generation)) != GENERATION_ENDED) {
        if (step == GENERATION_TOKEN) {
            emit_text(generation.token, generation.text, generation.bytes);
            hook_add(generation.text, generation.bytes);
        }
        if (generation.ended == NOT_ENDED && interruption_due()) {
            generation_interrupt(&generation);
        }
    }
    reply_generated(&generation, count, request);
}

/* logits: (MODEL_VOCABULARY_SIZE), sent little endian on any machine. */
static void reply_logits(int32_t position, const model_logit_t *logits)
{
    reply_line("logits");
    reply_number("position", (uint32_t)position);
    reply_hex_begin("hex");
    for (int32_t token = 0; token < MODEL_VOCABULARY_SIZE; ++token) {
        const uint32_t bits = (uint32_t)logits[token];
        reply_hex_byte((uint8_t)bits);
        if (sizeof(model_logit_t) == 2) {
            reply_hex_byte((uint8_t)(bits >> 8));
        }
    }
    reply_hex_end();
    reply_end();
}

/* Stored for repeated `logits` commands, whose token must not be fed twice. */
static struct {
    const model_logit_t *logits; /* (MODEL_VOCABULARY_SIZE) of the last token; NULL if there is none */
    int32_t count;               /* tokens of that command */
} fed;

static void reply_fed(uint32_t crc)
{
    reply_last("logits");
    reply_number("tokens", (uint32_t)fed.count);
    reply_number("position", (uint32_t)context_position());
    reply_hex32("crc32", crc);
    reply_end();
}

/* Several tokens would need the logits of all of them, for which there is no memory. */
static void repeat_logits(void)
{
    if (fed.count != 1) {
        reply_error("logits", "only a command of one token can be repeated: begin with a reset", NULL, 0);
        return;
    }
    reply_logits(context_position() - 1, fed.logits);
    reply_fed(self_check_logits(0, fed.logits, MODEL_VOCABULARY_SIZE));
}

/* can_end: whether an interrupt ends it; not where the host would not know how many tokens were fed to a state that it
 * goes on with. */
static void feed_logits(prompt_t prompt, bool only_last, bool can_end)
{
    uint32_t crc = 0;
    for (int32_t index = 0; index < fed.count; ++index) {
        fed.logits = context_feed(prompt_next(&prompt));
        const bool is_last = index == fed.count - 1;
        if (is_last || !only_last) {
            crc = self_check_logits(crc, fed.logits, MODEL_VOCABULARY_SIZE);
            reply_logits(context_position() - 1, fed.logits);
        }
        if (can_end && !is_last && interruption_due()) {
            reply_error("logits", PROTOCOL_INTERRUPTED, NULL, 0);
            return;
        }
    }
    reply_fed(crc);
}

static void command_logits(const request_t *request)
{
    if (request->is_repeated && !request->reset && fed.logits != NULL) {
        repeat_logits();
        return;
    }
    fed.logits = NULL;
    fed.count = checked_prompt(request, "logits");
    if (fed.count < 0) {
        return;
    }
    if (request->reset) {
        context_reset();
    } else if (!request->is_next && !request->is_repeated) {
        reply_error("logits", PROTOCOL_OUT_OF_SEQUENCE ": begin with a reset", NULL, 0);
        return;
    }
    if (fed.count > MODEL_CONTEXT_LENGTH - context_position()) {
        reply_error("logits", "more tokens than the context has room for", NULL, 0);
        return;
    }
    interruption_begin(request->is_repeated);
    feed_logits(prompt_of(request), request->only_last, request->reset);
}

static void command_self_check(const request_t *request)
{
    (void)request;
    reply_last("self_check");
    reply_flag("weights", device_weights_right());
    reply_flag("kernels", self_check_kernels());
    reply_number("tokens", MODEL_CHECK_TOKENS);
    reply_end();
}

static void command_memory(const request_t *request)
{
    (void)request;
    device_memory();
}

/* Stores tokens behind those of earlier commands; a repeated command stores them at the same place. */
static void command_prompt(const request_t *request)
{
    prompt_t prompt = request->prompt;
    const int32_t count = checked_prompt(request, "prompt");
    if (count < 0) {
        return;
    }
    if (!request->has_prompt) {
        reply_error("prompt", "prompt or tokens is missing", NULL, 0);
        return;
    }
    if (request->at > (uint32_t)stored.count) {
        reply_error("prompt", PROTOCOL_OUT_OF_SEQUENCE ": tokens before `at` are missing", NULL, 0);
        return;
    }
    if (count > MODEL_CONTEXT_LENGTH - (int32_t)request->at) {
        reply_error("prompt", "more tokens than the context has room for", NULL, 0);
        return;
    }
    stored.count = (int32_t)request->at + count;
    for (int32_t index = (int32_t)request->at; index < stored.count; ++index) {
        stored.tokens[index] = (uint16_t)prompt_next(&prompt);
    }
    reply_last("prompt");
    reply_number("tokens", (uint32_t)stored.count);
    reply_end();
}

static void command_benchmark(const request_t *request)
{
    interruption_begin(request->is_repeated);
    benchmark_run();
}

static void command_reset(const request_t *request)
{
    (void)request;
    context_reset();
    reply_last("reset");
    reply_number("position", (uint32_t)context_position());
    reply_end();
}

static void command_exit(const request_t *request)
{
    (void)request;
    device_exit();
}

static void command_release(const request_t *request)
{
    (void)request;
    device_release();
}

/* `check` is the interactive name of `self_check`. */
command_t commands_find(const char *name, size_t bytes)
{
    static const struct {
        const char *name;
        command_t run;
    } table[] = {
        {"generate", command_generate},   {"set", command_set},       {"logits", command_logits},
        {"benchmark", command_benchmark}, {"memory", command_memory}, {"self_check", command_self_check},
        {"check", command_self_check},    {"info", command_info},     {"reset", command_reset},
        {"exit", command_exit},           {"release", command_release}, {"prompt", command_prompt},
    };
    for (size_t index = 0; index < sizeof table / sizeof *table; ++index) {
        if (text_is(name, bytes, table[index].name)) {
            return table[index].run;
        }
    }
    return NULL;
}

void commands_begin(void)
{
    commands_options = options_default;
}

#ifdef PROJECT_ON_COMMAND
#define HELP_OF_LINES "A line of text is a command: on_command is called with its answer."
#else
#define HELP_OF_LINES "A line of text is continued."
#endif

void commands_help(void)
{
    write_text(HELP_OF_LINES " Commands:\n"
               ":seed N  :temperature X (0: greedy)  :top-k N (0: all)  :max-tokens N\n"
               ":past-end slide|stop  :unknown error|unk\n"
               ":stop TEXT (with \\n, \\t, \\\\; ends before it; empty: none)\n"
               ":info  :check  :benchmark  :memory  :reset  :exit\n"
               "Machines send one JSON object per line: {\"command\":\"info\"}\n");
}

void commands_write_checked(void)
{
    write_number(MODEL_CHECK_TOKENS);
    write_text(" tokens");
}

/* The value is read in place. */
bool commands_option(const char *name, size_t name_bytes, char *value, size_t value_bytes)
{
    request_t request = request_default();
    const char *end = value + value_bytes;
    const char *expected = NULL; /* set by options_set */
    const char *wrong = text_unescape(value, &value_bytes);
    if (wrong != NULL) {
        reply_error("set", "an escape is \\n, \\t or \\\\", wrong, (size_t)(end - wrong));
        return true;
    }
    switch (options_set(&request.options, name, name_bytes, value, value_bytes, &expected)) {
    case OPTION_SET:
        command_set(&request);
        return true;
    case OPTION_WRONG_VALUE:
        reply_error("set", expected, value, value_bytes);
        return true;
    default:
        return false;
    }
}

/* A prompt; the line buffer is not overwritten before the answer is complete. */
void commands_line(const char *line, size_t bytes)
{
    request_t request = request_default();
#if GRAMMAR_HAS_SPANS
    request.has_input = true;
    request.input.text = line;
    request.input.bytes = bytes;
#endif
    request.has_prompt = true;
#ifdef PROJECT_ON_COMMAND
    request.on_command = true;
    line = hook_prompt(line, &bytes);
#endif
    request.prompt = prompt_of_text(line, bytes, commands_options.unknown);
    command_generate(&request);
}
