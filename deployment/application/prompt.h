/* The source of a prompt's tokens: a text, or a list of numbers. A copy continues at the same token as the original, so
 * that a prompt can be checked before it is fed. */
#ifndef TEXTZOO_PROMPT_H
#define TEXTZOO_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "options.h"
#include "tokenizer.h"

enum { PROMPT_END = -1, PROMPT_NOT_A_TOKEN = -2 };

typedef struct {
    tokenizer_text_t text;
    unknown_t unknown;
    json_value_t list; /* JSON_LIST, used if is_list */
    bool is_list;
    const char *piece; /* (piece_bytes) source of the latest token */
    size_t piece_bytes;
} prompt_t;

/* text: (bytes) UTF-8, list: JSON_LIST; not copied. */
prompt_t prompt_of_text(const char *text, size_t bytes, unknown_t unknown);
prompt_t prompt_of_list(json_value_t list);

/* The next token; PROMPT_END; or PROMPT_NOT_A_TOKEN for the text in `piece`. */
int32_t prompt_next(prompt_t *prompt);

/* The number of remaining tokens, or PROMPT_NOT_A_TOKEN; afterwards the prompt is at its end or at the unknown text. */
int32_t prompt_count(prompt_t *prompt);

#endif
