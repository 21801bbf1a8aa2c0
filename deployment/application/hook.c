#include "hook.h"

#ifdef PROJECT_ON_COMMAND

#include "command.h"
#include "protocol.h"

enum { BEFORE_BYTES = sizeof COMMAND_BEFORE - 1, AFTER_BYTES = sizeof COMMAND_AFTER - 1 };

static char prompt[BEFORE_BYTES + TEXTZOO_LINE_BYTES + AFTER_BYTES + 1]; /* one more: both texts may be empty */

static struct {
    char bytes[COMMAND_MAX_BYTES];
    size_t count; /* above COMMAND_MAX_BYTES if the answer is too long */
} answer;

__attribute__((weak)) void on_wait(void)
{
}

static char *append(char *to, const char *text, size_t bytes)
{
    for (size_t index = 0; index < bytes; ++index) {
        *to++ = text[index];
    }
    return to;
}

const char *hook_prompt(const char *line, size_t *bytes)
{
    char *end = append(prompt, COMMAND_BEFORE, BEFORE_BYTES);
    end = append(end, line, *bytes);
    end = append(end, COMMAND_AFTER, AFTER_BYTES);
    *bytes = (size_t)(end - prompt);
    return prompt;
}

void hook_begin(void)
{
    answer.count = 0;
}

void hook_add(const char *text, size_t bytes)
{
    if (answer.count > COMMAND_MAX_BYTES || bytes > COMMAND_MAX_BYTES - answer.count) {
        answer.count = COMMAND_MAX_BYTES + 1;
        return;
    }
    append(answer.bytes + answer.count, text, bytes);
    answer.count += bytes;
}

const char *hook_call(bool is_repeated)
{
    parsed_command_t command;
    if (answer.count > COMMAND_MAX_BYTES) {
        return "the answer is too long for a command";
    }
    const char *problem = command_parse(answer.bytes, answer.count, &command);
    if (problem == NULL && !is_repeated) {
        on_command(command.intent, command.slots, command.count);
    }
    return problem;
}

#endif
