/* What a text may be: an automaton over tokens, compiled from the grammar of the project's configuration
 * (textzoo.grammars.table has the format of grammar_table.h). A project without one has a table of 0 bytes, and none of
 * this takes code or memory. There is one text at a time, as in generate.h. */
#ifndef TEXTZOO_GRAMMAR_H
#define TEXTZOO_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar_table.h"

enum { GRAMMAR_NO_TOKEN = -1 };

#if GRAMMAR_BYTES > 0

/* Begin a text, which obeys the grammar if is_on. */
void grammar_begin(bool is_on);

/* Find the tokens that may come if the text is to end within `left` tokens, the next one included, which has to fit.
 * Returns the token if there is only one, GRAMMAR_NO_TOKEN otherwise. */
int32_t grammar_prepare(int32_t left);

/* Whether a token of the vocabulary may come, and how many may, by the latest grammar_prepare. */
bool grammar_allows(int32_t token);
int32_t grammar_count(void);

/* Go on behind a token that may come. */
void grammar_advance(int32_t token);

/* Whether the text is whole and nothing may follow. */
bool grammar_is_whole(void);

/* Whether the text can end within `left` tokens. */
bool grammar_fits(int32_t left);

#else

static inline void grammar_begin(bool is_on)
{
    (void)is_on;
}

static inline int32_t grammar_prepare(int32_t left)
{
    (void)left;
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

static inline void grammar_advance(int32_t token)
{
    (void)token;
}

static inline bool grammar_is_whole(void)
{
    return false;
}

static inline bool grammar_fits(int32_t left)
{
    (void)left;
    return true;
}

#endif
#endif
