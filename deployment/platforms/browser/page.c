/* What page.js calls, besides the console: commands whose answers are JSON, options, and a continuation step by step, so
 * that the page stays responsive. Texts are (bytes) UTF-8 in the module's memory. */
#include <stddef.h>
#include <stdint.h>

#include "commands.h"
#include "generate.h"
#include "grammar.h"
#include "options.h"
#include "port.h"
#include "prompt.h"
#include "reply.h"

#define EXPORT(name) __attribute__((export_name(#name)))

int main(void);

EXPORT(console) void page_console(void);
EXPORT(open) void page_open(void);
EXPORT(command) void page_command(const char *name, size_t bytes);
EXPORT(set) const char *page_set(const char *name, size_t name_bytes, const char *value, size_t value_bytes);
EXPORT(count) int32_t page_count(const char *text, size_t bytes);
#if GRAMMAR_HAS_SPANS
EXPORT(input) void page_input(const char *text, size_t bytes);
#endif
EXPORT(begin) int32_t page_begin(const char *text, size_t bytes);
EXPORT(step) int32_t page_step(void);
EXPORT(ended) int32_t page_ended(void);
EXPORT(text) const char *page_text(void);
EXPORT(text_bytes) size_t page_text_bytes(void);

/* Of the latest `page_begin`. */
static generation_t generation;

/* The program of the other platforms; does not return. */
void page_console(void)
{
    main();
}

/* Called first, instead of page_console. */
void page_open(void)
{
    port_init();
    commands_options = options_default;
    reply_use(REPLY_JSON);
    reply_sign_nothing();
}

/* Execute a command without arguments, e.g. info or self_check; the answer is written by port.c. */
void page_command(const char *name, size_t bytes)
{
    const command_t command = commands_find(name, bytes);
    const request_t request = {.options = commands_options, .reset = true};
    if (command == NULL) {
        reply_error("error", "unknown command", name, bytes);
    } else {
        command(&request);
    }
    port_flush();
}

/* Set an option; returns NULL, or what its value should have been (ends with 0). */
const char *page_set(const char *name, size_t name_bytes, const char *value, size_t value_bytes)
{
    const char *expected = "another name of an option";
    const option_result_t result =
        options_set(&commands_options, name, name_bytes, value, value_bytes, &expected);
    return result == OPTION_SET ? NULL : expected;
}

/* The number of tokens of a text, or PROMPT_NOT_A_TOKEN with the unknown part as page_text. */
int32_t page_count(const char *text, size_t bytes)
{
    prompt_t prompt = prompt_of_text(text, bytes, commands_options.unknown);
    const int32_t count = prompt_count(&prompt);
    generation.text = prompt.piece;
    generation.bytes = prompt.piece_bytes;
    return count;
}

#if GRAMMAR_HAS_SPANS
/* Take the text from which spans are copied, the user's message, before page_begin. */
void page_input(const char *text, size_t bytes)
{
    grammar_input(text, bytes);
}
#endif

/* Begin to continue a text, which must stay in place until its tokens are fed. Returns what page_count does; only
 * where that is positive, steps may follow. */
int32_t page_begin(const char *text, size_t bytes)
{
    const int32_t count = page_count(text, bytes);
    if (count > 0) {
        generation_begin(&generation, &commands_options, prompt_of_text(text, bytes, commands_options.unknown));
    }
    return count;
}

/* A generation_step_t. */
int32_t page_step(void)
{
    return (int32_t)generation_next(&generation);
}

/* An ended_t. */
int32_t page_ended(void)
{
    return (int32_t)generation.ended;
}

/* The text (page_text_bytes) that is final after the latest step. */
const char *page_text(void)
{
    return generation.text;
}

size_t page_text_bytes(void)
{
    return generation.bytes;
}
