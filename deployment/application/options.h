/* The options of a user: sampling, and the handling of a full context and of unknown text. */
#ifndef TEXTZOO_OPTIONS_H
#define TEXTZOO_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grammar.h"
#include "stop.h"

typedef enum { PAST_END_SLIDE, PAST_END_STOP } past_end_t;
typedef enum { UNKNOWN_ERROR, UNKNOWN_TOKEN } unknown_t;

typedef struct {
    uint32_t seed;
    uint32_t temperature; /* 16 fraction bits; 0 is greedy */
    int32_t top_k;        /* 0 for all */
    int32_t max_tokens;
    past_end_t past_end; /* when the context is full: drop its first half (docs/explanations/sampling.md), or stop */
    unknown_t unknown;   /* characters outside the vocabulary: an error, or the token <unk> */
#if GRAMMAR_BYTES > 0
    bool grammar; /* whether a text has to obey the project's grammar */
#endif
    uint8_t stop_bytes;
    char stop[PROTOCOL_STOP_BYTES]; /* (stop_bytes) UTF-8, no final 0; the text ends before it; 0 bytes for none */
} options_t;

/* The project's defaults (defaults.h), and fixed values for the other options. */
extern const options_t options_default;

typedef enum { OPTION_SET, OPTION_UNKNOWN, OPTION_WRONG_VALUE } option_result_t;

/* Whether a text has to obey the project's grammar. */
static inline bool options_grammar(const options_t *options)
{
#if GRAMMAR_BYTES > 0
    return options->grammar;
#else
    (void)options;
    return false;
#endif
}

/* Set one option from its name and value as text; after an error nothing changes, and `expected` is a valid value. */
option_result_t options_set(options_t *options, const char *name, size_t name_bytes, const char *value,
                            size_t value_bytes, const char **expected);

/* The position of an option's name in 0..OPTION_COUNT-1, or -1; and its kind of value. */
enum { OPTION_COUNT = GRAMMAR_BYTES > 0 ? 8 : 7 };
int options_index(const char *name, size_t bytes);
bool options_is_number(int index);

#endif
