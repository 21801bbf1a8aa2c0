#include "options.h"

#include "decimal.h"
#include "defaults.h"
#include "protocol.h"
#include "text.h"
#include "tokenizer.h"
#include "utf8.h"

const options_t options_default = {
    .seed = DEFAULT_SEED,
    .temperature = DEFAULT_TEMPERATURE,
    .top_k = DEFAULT_TOP_K,
    .max_tokens = DEFAULT_MAX_TOKENS,
    .past_end = PAST_END_SLIDE,
    .unknown = UNKNOWN_ERROR,
#if GRAMMAR_BYTES > 0
    .grammar = true,
#endif
    .stop_bytes = sizeof DEFAULT_STOP - 1,
    .stop = DEFAULT_STOP,
};

enum { SEED, TEMPERATURE, TOP_K, MAX_TOKENS, PAST_END, UNKNOWN, STOP, GRAMMAR };

/* The value of a macro as a text. */
#define QUOTED(text) #text
#define TEXT_OF(value) QUOTED(value)

static const struct {
    const char *name;
    const char *expected;
} table[OPTION_COUNT] = {
    [SEED] = {"seed", "a whole number, 0 to 4294967295"},
    [TEMPERATURE] = {"temperature", "a number, 0 (greedy) to 32768"},
    [TOP_K] = {"top_k", "a whole number, 0 for all tokens"},
    [MAX_TOKENS] = {"max_tokens", "a whole number"},
    [PAST_END] = {"past_end", "slide or stop"},
    [UNKNOWN] = {"unknown", TOKENIZER_UNKNOWN_TOKEN >= 0 ? "error or unk" : "error (this vocabulary has no <unk>)"},
    [STOP] = {"stop", "UTF-8 of at most " TEXT_OF(PROTOCOL_STOP_BYTES) " bytes, without U+FFFD"},
#if GRAMMAR_BYTES > 0
    [GRAMMAR] = {"grammar", "on or off"},
#endif
};

/* Whether name (bytes) equals `known`, which ends with 0. Names may be written with - or _. */
static bool same_name(const char *name, size_t bytes, const char *known)
{
    for (size_t index = 0; index < bytes; ++index) {
        const char character = (char)(name[index] == '-' ? '_' : name[index]);
        if (known[index] == 0 || character != known[index]) {
            return false;
        }
    }
    return known[bytes] == 0;
}

int options_index(const char *name, size_t bytes)
{
    for (int index = 0; index < OPTION_COUNT; ++index) {
        if (same_name(name, bytes, table[index].name)) {
            return index;
        }
    }
    return -1;
}

bool options_is_number(int index)
{
    return index < PAST_END;
}

/* Each sets one option from value (bytes), or returns false; the option is undefined then. */

static bool set_count(int32_t *count, const char *value, size_t bytes)
{
    uint32_t whole;
    if (!decimal_whole(value, bytes, INT32_MAX, &whole)) {
        return false;
    }
    *count = (int32_t)whole;
    return true;
}

static bool set_past_end(options_t *options, const char *value, size_t bytes)
{
    options->past_end = text_is(value, bytes, "stop") ? PAST_END_STOP : PAST_END_SLIDE;
    return options->past_end == PAST_END_STOP || text_is(value, bytes, "slide");
}

static bool set_unknown(options_t *options, const char *value, size_t bytes)
{
    options->unknown = text_is(value, bytes, "unk") ? UNKNOWN_TOKEN : UNKNOWN_ERROR;
    return options->unknown == UNKNOWN_TOKEN ? TOKENIZER_UNKNOWN_TOKEN >= 0 : text_is(value, bytes, "error");
}

/* Valid UTF-8 without U+FFFD: such a text is found in the bytes exactly where Python finds it in the decoded text, in
 * which invalid UTF-8 is U+FFFD. */
static bool set_stop(options_t *options, const char *value, size_t bytes)
{
    if (bytes > PROTOCOL_STOP_BYTES) {
        return false;
    }
    for (size_t at = 0; at < bytes;) {
        if (utf8_decode(value, bytes, &at) == UTF8_REPLACEMENT) {
            return false;
        }
    }
    for (size_t index = 0; index < bytes; ++index) {
        options->stop[index] = value[index];
    }
    options->stop_bytes = (uint8_t)bytes;
    return true;
}

#if GRAMMAR_BYTES > 0
static bool set_grammar(options_t *options, const char *value, size_t bytes)
{
    options->grammar = text_is(value, bytes, "on");
    return options->grammar || text_is(value, bytes, "off");
}
#endif

/* value: (bytes); index: of the option. */
static bool set_value(options_t *options, int index, const char *value, size_t bytes)
{
    switch (index) {
    case SEED:
        return decimal_whole(value, bytes, UINT32_MAX, &options->seed);
    case TEMPERATURE:
        return decimal_temperature(value, bytes, &options->temperature);
    case TOP_K:
        return set_count(&options->top_k, value, bytes);
    case MAX_TOKENS:
        return set_count(&options->max_tokens, value, bytes);
    case PAST_END:
        return set_past_end(options, value, bytes);
    case UNKNOWN:
        return set_unknown(options, value, bytes);
#if GRAMMAR_BYTES > 0
    case GRAMMAR:
        return set_grammar(options, value, bytes);
#endif
    default:
        return set_stop(options, value, bytes);
    }
}

option_result_t options_set(options_t *options, const char *name, size_t name_bytes, const char *value,
                            size_t value_bytes, const char **expected)
{
    const int index = options_index(name, name_bytes);
    options_t changed = *options;
    if (index < 0) {
        return OPTION_UNKNOWN;
    }
    *expected = table[index].expected;
    if (!set_value(&changed, index, value, value_bytes)) {
        return OPTION_WRONG_VALUE;
    }
    *options = changed;
    return OPTION_SET;
}
