/* The source of a prompt's tokens: a text, a list of numbers, or an array. A copy continues at the same token as the original, so
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

typedef enum { PROMPT_TEXT, PROMPT_LIST, PROMPT_ARRAY } prompt_kind_t;

typedef struct {
    prompt_kind_t kind;
    tokenizer_text_t text;
    unknown_t unknown;
    json_value_t list;     /* JSON_LIST */
    const uint16_t *array; /* (left) */
    int32_t left;
    const char *piece; /* (piece_bytes) source of the latest token */
    size_t piece_bytes;
} prompt_t;

/* text: (bytes) UTF-8; list: JSON_LIST; array: (count) tokens of the vocabulary. Not copied. */
prompt_t prompt_of_text(const char *text, size_t bytes, unknown_t unknown);
prompt_t prompt_of_list(json_value_t list);
prompt_t prompt_of_array(const uint16_t *array, int32_t count);

/* The next token; PROMPT_END; or PROMPT_NOT_A_TOKEN for the text in `piece`. */
int32_t prompt_next(prompt_t *prompt);

/* The number of remaining tokens, or PROMPT_NOT_A_TOKEN; afterwards the prompt is at its end or at the unknown text. */
int32_t prompt_count(prompt_t *prompt);

#endif
