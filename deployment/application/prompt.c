#include "prompt.h"

#include "decimal.h"
#include "model.h"

prompt_t prompt_of_text(const char *text, size_t bytes, unknown_t unknown)
{
    prompt_t prompt = {.kind = PROMPT_TEXT, .unknown = unknown};
    tokenizer_open(&prompt.text, text, bytes);
    return prompt;
}

prompt_t prompt_of_list(json_value_t list)
{
    const prompt_t prompt = {.kind = PROMPT_LIST, .list = list};
    return prompt;
}

prompt_t prompt_of_array(const uint16_t *array, int32_t count)
{
    const prompt_t prompt = {.kind = PROMPT_ARRAY, .array = array, .left = count};
    return prompt;
}

/* Sets `piece` in any case, for error messages. */
static int32_t next_of_list(prompt_t *prompt)
{
    json_value_t number;
    uint32_t token;
    if (!json_next_number(&prompt->list, &number)) {
        return PROMPT_END;
    }
    prompt->piece = number.text;
    prompt->piece_bytes = number.bytes;
    if (!decimal_whole(number.text, number.bytes, MODEL_VOCABULARY_SIZE - 1, &token)) {
        return PROMPT_NOT_A_TOKEN;
    }
    return (int32_t)token;
}

static int32_t next_of_text(prompt_t *prompt)
{
    const int32_t token = tokenizer_encode(&prompt->text);
    prompt->piece = prompt->text.bytes + prompt->text.start;
    prompt->piece_bytes = prompt->text.at - prompt->text.start;
    if (token == TOKENIZER_END) {
        return PROMPT_END;
    }
    if (token == TOKENIZER_NOT_IN_VOCABULARY) {
        return prompt->unknown == UNKNOWN_TOKEN ? TOKENIZER_UNKNOWN_TOKEN : PROMPT_NOT_A_TOKEN;
    }
    return token;
}

static int32_t next_of_array(prompt_t *prompt)
{
    if (prompt->left == 0) {
        return PROMPT_END;
    }
    --prompt->left;
    return *prompt->array++;
}

int32_t prompt_next(prompt_t *prompt)
{
    switch (prompt->kind) {
    case PROMPT_LIST:
        return next_of_list(prompt);
    case PROMPT_ARRAY:
        return next_of_array(prompt);
    default:
        return next_of_text(prompt);
    }
}

int32_t prompt_count(prompt_t *prompt)
{
    int32_t count = 0;
    for (;;) {
        const int32_t token = prompt_next(prompt);
        if (token < 0) {
            return token == PROMPT_END ? count : token;
        }
        ++count;
    }
}
