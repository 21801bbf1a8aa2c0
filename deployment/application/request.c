#include "request.h"

#include <stddef.h>

#include "commands.h"
#include "text.h"

/* The keys, in the order of their places; options follow. */
enum {
    KEY_PROMPT,
    KEY_TOKENS,
    KEY_RESET,
    KEY_ONLY_LAST,
    KEY_AT,
#if GRAMMAR_HAS_SPANS
    KEY_INPUT,
#endif
#ifdef PROJECT_ON_COMMAND
    KEY_ON_COMMAND,
#endif
    KEY_OPTIONS
};

request_t request_default(void)
{
    const request_t request = {.options = commands_options, .reset = true};
    return request;
}

int request_key(const char *name, size_t bytes)
{
    static const char *const names[KEY_OPTIONS] = {
        [KEY_PROMPT] = "prompt",
        [KEY_TOKENS] = "tokens",
        [KEY_RESET] = "reset",
        [KEY_ONLY_LAST] = "only_last",
        [KEY_AT] = "at",
#if GRAMMAR_HAS_SPANS
        [KEY_INPUT] = "input",
#endif
#ifdef PROJECT_ON_COMMAND
        [KEY_ON_COMMAND] = "on_command",
#endif
    };
    for (int place = 0; place < KEY_OPTIONS; ++place) {
        if (text_is(name, bytes, names[place])) {
            return place;
        }
    }
    const int option = options_index(name, bytes);
    return option < 0 ? -1 : KEY_OPTIONS + option;
}

/* NULL, or what a value should have been. */
static const char *take_option(request_t *request, int option, const json_value_t *key, const json_value_t *value)
{
    const char *expected = options_is_number(option) ? "a number" : "a text";
    if (value->kind != (options_is_number(option) ? JSON_NUMBER : JSON_TEXT)) {
        return expected;
    }
    const option_result_t result =
        options_set(&request->options, key->text, key->bytes, value->text, value->bytes, &expected);
    return result == OPTION_SET ? NULL : expected;
}

const char *request_take(request_t *request, int place, const json_value_t *key, const json_value_t *value)
{
    switch (place) {
    case KEY_PROMPT:
        request->text = *value;
        request->has_text = true;
        return value->kind == JSON_TEXT ? NULL : "prompt is a text";
    case KEY_TOKENS:
        request->prompt = prompt_of_list(*value);
        request->has_prompt = true;
        return value->kind == JSON_LIST ? NULL : "tokens is a list of whole numbers";
    case KEY_RESET:
        return request_flag(&request->reset, value, "reset is true or false");
    case KEY_ONLY_LAST:
        return request_flag(&request->only_last, value, "only_last is true or false");
    case KEY_AT:
        return request_whole(&request->at, value);
#if GRAMMAR_HAS_SPANS
    case KEY_INPUT:
        request->input = *value;
        request->has_input = true;
        return value->kind == JSON_TEXT ? NULL : "input is a text";
#endif
#ifdef PROJECT_ON_COMMAND
    case KEY_ON_COMMAND:
        return request_flag(&request->on_command, value, "on_command is true or false");
#endif
    default:
        return take_option(request, place - KEY_OPTIONS, key, value);
    }
}

/* A text is encoded only now, because `unknown` may follow it. */
const char *request_complete(request_t *request)
{
    if (!request->has_text) {
        return NULL;
    }
    if (request->has_prompt) {
        return "prompt and tokens exclude each other";
    }
    request->prompt = prompt_of_text(request->text.text, request->text.bytes, request->options.unknown);
    request->has_prompt = true;
    return NULL;
}
