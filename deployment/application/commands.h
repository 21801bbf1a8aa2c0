/* What the console asks of an application: its commands, the keys of their requests, and lines of people. Language models
 * (this folder) and plain graphs (deployment/graph) each have a request.h, a request.c and a commands.c of their own.
 * README.md lists commands and answers. */
#ifndef TEXTZOO_COMMANDS_H
#define TEXTZOO_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "request.h" /* request_t, REQUEST_GREETING */

typedef void (*command_t)(const request_t *request);

/* The command of a name, or NULL. They are the same in interactive use and in JSON. */
command_t commands_find(const char *name, size_t bytes);

/* Begin: the state and the options of a program that has just started. */
void commands_begin(void);

/* The list of interactive commands. */
void commands_help(void);

/* What the self-check computed, "7 tokens"; it is followed by "as computed on the PC". */
void commands_write_checked(void);

/* ":name value", neither of them a command: set an option, or reply what is wrong with it. False if there is no such option. */
bool commands_option(const char *name, size_t name_bytes, char *value, size_t value_bytes);

/* A line of people that is no command; it stays valid until this returns. */
void commands_line(const char *line, size_t bytes);

/* A request without any keys. */
request_t request_default(void);

/* The place of a key among those of the application, 0 to 28, or -1. */
int request_key(const char *name, size_t bytes);

/* Take the key of that place; NULL, or what is wrong with it. Values stay valid until the command is executed. */
const char *request_take(request_t *request, int place, const json_value_t *key, const json_value_t *value);

/* Complete a request whose keys have all been taken; NULL, or what is wrong with them together. */
const char *request_complete(request_t *request);

/* For request_take; NULL, or what a value should have been. */
const char *request_whole(uint32_t *number, const json_value_t *value);
const char *request_flag(bool *flag, const json_value_t *value, const char *expected);

#endif
