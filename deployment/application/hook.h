/* From a line to on_command, in a project with deployment.on_command: the prompt around a line, and the answer that is
 * collected while it is generated. In other projects none of this takes code or memory. There is one command at a time, as
 * in generate.h. */
#ifndef TEXTZOO_HOOK_H
#define TEXTZOO_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "defaults.h"

#ifdef PROJECT_ON_COMMAND

/* The prompt of a line (*bytes, at most TEXTZOO_LINE_BYTES): the chat template's texts around it. *bytes becomes the
 * prompt's; it is valid until the next call. */
const char *hook_prompt(const char *line, size_t *bytes);

/* Begin an answer, and append to it. */
void hook_begin(void);
void hook_add(const char *text, size_t bytes);

/* Read the answer and, unless it is a repetition that was called before, call on_command. NULL, or why it is no
 * command. */
const char *hook_call(bool is_repeated);

#else

static inline void hook_begin(void)
{
}

static inline void hook_add(const char *text, size_t bytes)
{
    (void)text;
    (void)bytes;
}

static inline const char *hook_call(bool is_repeated)
{
    (void)is_repeated;
    return NULL;
}

#endif
#endif
