/* Commands: a model's answer, a flat JSON object, becomes a call of on_command. This header is the contract.
 *
 *     {"intent":"turn_on","area":"kitchen","percent":40,"name":["lamp","fan"]}
 *
 * The key "intent" comes first and has a text. Every other key is a slot: a text, a whole number, or a list of texts,
 * which gives a slot of that name for each text. Nothing else is a command; an answer that is damaged, cut or longer than
 * the limits never reaches on_command. */
#ifndef TEXTZOO_COMMAND_H
#define TEXTZOO_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maximum bytes of an answer, and of slots in it. */
#ifndef COMMAND_MAX_BYTES
#define COMMAND_MAX_BYTES 512
#endif
#ifndef COMMAND_MAX_SLOTS
#define COMMAND_MAX_SLOTS 16
#endif

typedef enum { COMMAND_TEXT, COMMAND_INTEGER } command_kind_t;

/* Texts are valid UTF-8 without a 0 in them, end with a 0, and are at most COMMAND_MAX_BYTES long. */
typedef struct {
    const char *name; /* never "intent" */
    command_kind_t kind;
    const char *text; /* "" for an integer */
    int32_t integer;  /* 0 for a text */
} command_slot_t;

/* The function of yours, on_command.c, that is called for each command: once, when its answer is complete, and not from
 * an interrupt. Interactively every line that is typed is a command; a program has to ask for the call ("on_command").
 *
 * intent: what is wanted; "none" for a sentence that is no command, which has no slots.
 * slots: (count) in the order of the answer; count is 0 to COMMAND_MAX_SLOTS.
 *
 * The intent, the slots and their texts are valid until the function returns: copy what is needed longer. Bytes that
 * arrive meanwhile are kept, up to TEXTZOO_INPUT_BYTES; the next line waits until it returns. It may write lines with the
 * functions write_... of reply.h, each with its line end. */
void on_command(const char *intent, const command_slot_t *slots, size_t count);

/* A second function of yours, if you define it: called again and again while the console waits for input, for what has to
 * happen later, like the end of a timer (clock.h). Not while an answer is computed. */
void on_wait(void);

/* Whether two texts are equal. */
bool command_is(const char *text, const char *other);

/* The first slot of a name, or NULL; its text, or ""; its number, or `otherwise`. */
const command_slot_t *command_slot(const command_slot_t *slots, size_t count, const char *name);
const char *command_text(const command_slot_t *slots, size_t count, const char *name);
int32_t command_integer(const command_slot_t *slots, size_t count, const char *name, int32_t otherwise);

/* An answer that was read. */
typedef struct {
    const char *intent;
    size_t count;
    command_slot_t slots[COMMAND_MAX_SLOTS]; /* (count) */
} parsed_command_t;

/* Read answer (bytes), which is modified and has to stay valid as long as the texts are used. NULL, or what is wrong with
 * it; then nothing in `command` may be used. Needs command.c, json.c, decimal.c, utf8.c and text.c, and nothing else. */
const char *command_parse(char *answer, size_t bytes, parsed_command_t *command);

#endif
