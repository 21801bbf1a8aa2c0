/* What a text may be: an automaton over tokens, compiled from the grammar of the project's configuration
 * (textzoo.grammars.table has the format of grammar_table.h). A project without one has a table of 0 bytes, and none of
 * this takes code or memory. There is one text at a time, as in generate.h. */
#ifndef TEXTZOO_GRAMMAR_H
#define TEXTZOO_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grammar_table.h"

enum { GRAMMAR_NO_TOKEN = -1 };

#ifndef GRAMMAR_HAS_SPANS
#define GRAMMAR_HAS_SPANS 0 /* a project without a grammar */
#endif

#if GRAMMAR_BYTES > 0

#if GRAMMAR_HAS_SPANS
/* Take an input (bytes), which is not needed afterwards: spans of the next texts are copied from it (span.h). */
void grammar_input(const char *input, size_t bytes);

/* Tokens of the shortest text, which depends on the input. */
int32_t grammar_shortest(void);
#else
static inline int32_t grammar_shortest(void)
{
    return GRAMMAR_SHORTEST;
}
#endif

/* Begin a text, which obeys the grammar if is_on, and has to end within `left` tokens. */
void grammar_begin(bool is_on, int32_t left);

/* The next token if only one may come, GRAMMAR_NO_TOKEN otherwise. */
int32_t grammar_only(void);

/* Whether a token of the vocabulary may come next so that the text can end in time; and how many tokens may. */
bool grammar_allows(int32_t token);
int32_t grammar_count(void);

/* Go on behind a token that may come; `left` may come behind it. */
void grammar_advance(int32_t token, int32_t left);

/* Whether no token may come: the text ends here, or (only right after grammar_begin) none is short enough. */
bool grammar_is_over(void);

/* Whether nothing could follow, however many tokens were left. */
bool grammar_is_whole(void);

#else

static inline void grammar_begin(bool is_on, int32_t left)
{
    (void)is_on;
    (void)left;
}

static inline int32_t grammar_only(void)
{
    return GRAMMAR_NO_TOKEN;
}

static inline bool grammar_allows(int32_t token)
{
    (void)token;
    return true;
}

static inline int32_t grammar_count(void)
{
    return GRAMMAR_VOCABULARY_SIZE;
}

static inline void grammar_advance(int32_t token, int32_t left)
{
    (void)token;
    (void)left;
}

static inline bool grammar_is_over(void)
{
    return false;
}

static inline bool grammar_is_whole(void)
{
    return false;
}

#endif
#endif
