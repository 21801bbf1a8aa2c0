/* The commands, which are the same in interactive use and in JSON. README.md lists commands and answers. */
#ifndef TEXTZOO_COMMANDS_H
#define TEXTZOO_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "options.h"
#include "prompt.h"

/* The options that last from one request to the next. */
extern options_t commands_options;

typedef struct {
    options_t options; /* commands_options with the request's changes */
    bool has_prompt;
    prompt_t prompt;
    bool reset;       /* `logits`: begin at position 0 */
    bool only_last;   /* `logits`: reply only those of the last token */
    uint32_t at;      /* `prompt`: where the tokens are stored */
    bool is_repeated; /* the previous command again, because its answer did not arrive undamaged */
    bool is_next;     /* directly follows the previous command */
} request_t;

typedef void (*command_t)(const request_t *request);

/* The command of a name, or NULL. */
command_t commands_find(const char *name, size_t bytes);

void command_generate(const request_t *request);
void command_set(const request_t *request);

/* Reply the results of the self-check in the current style. */
void command_self_check(const request_t *request);

#endif
