/* The request of a command of the console of language models. */
#ifndef TEXTZOO_REQUEST_H
#define TEXTZOO_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "defaults.h"
#include "options.h"
#include "prompt.h"
#include "protocol.h"

#define REQUEST_GREETING PROTOCOL_GREETING

/* The options that last from one request to the next. */
extern options_t commands_options;

typedef struct {
    options_t options; /* commands_options with the request's changes */
    bool has_prompt;
    prompt_t prompt;
    bool has_text;     /* only until the request is complete: */
    json_value_t text; /* the prompt's text, which options that follow may concern */
#if GRAMMAR_HAS_SPANS
    bool has_input;
    json_value_t input; /* `generate`: what spans of the input are copied from; else the prompt's text */
#endif
    bool reset;        /* `logits`: begin at position 0 */
    bool only_last;    /* `logits`: reply only those of the last token */
    uint32_t at;       /* `prompt`: where the tokens are stored */
    bool is_repeated;  /* the previous command again, because its answer did not arrive undamaged */
    bool is_next;      /* directly follows the previous command */
#ifdef PROJECT_ON_COMMAND
    bool on_command; /* `generate`: the answer is a command */
#endif
} request_t;

/* Whether the answer is a command, for which on_command is called. */
static inline bool request_calls(const request_t *request)
{
#ifdef PROJECT_ON_COMMAND
    return request->on_command;
#else
    (void)request;
    return false;
#endif
}

#endif
