/* The output of the application: one JSON object per line, or plain text in interactive use. */
#ifndef TEXTZOO_REPLY_H
#define TEXTZOO_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { REPLY_PLAIN, REPLY_JSON } reply_style_t;

/* Set the style of the following output. */
void reply_use(reply_style_t style);
bool reply_is_json(void);

/* End the following JSON lines with the command's number, their own number and a checksum, with which a program detects
 * lost or damaged lines and requests them again. Line 0 acknowledges the command. first: number of the first line to
 * send; lines between it and line 0 are omitted. */
void reply_sign(uint32_t command, uint32_t first);
void reply_sign_nothing(void);
/* The same for a command that could not be parsed, and whose number is therefore unknown. */
void reply_sign_unknown(void);

/* The number of this start of the program, part of the first and the last line of a signed answer: with another number the
 * program has restarted in between. */
void reply_set_boot(uint32_t boot);
uint32_t reply_boot(void);

/* Whether lines end with a checksum. */
bool reply_is_signed(void);

/* Whether the next line will be sent, and not left out because the host has it. */
bool reply_is_shown(void);

/* A whole signed line, between two lines of an answer or after it, which says that the program is alive, and whether it
 * works on the command with that number. Nothing if the host's commands are not signed. */
void reply_alive(bool is_working);

/* Begin one of several lines of an answer, or its last line, the one with a status. Fields follow, then reply_end. */
void reply_line(const char *answer);
void reply_last(const char *answer);
void reply_end(void);

void reply_number(const char *name, uint64_t value);
void reply_signed(const char *name, int32_t value);
void reply_text(const char *name, const char *text);
void reply_bytes(const char *name, const char *text, size_t bytes); /* UTF-8; invalid bytes become U+FFFD */
void reply_escaped(const char *name, const char *text, size_t bytes); /* plain: with \n, \t and \\ */
void reply_hex32(const char *name, uint32_t value);                 /* a text of 8 hexadecimal digits */
void reply_flag(const char *name, bool value);

/* A field whose value is written with reply_hex_byte until reply_hex_end. */
void reply_hex_begin(const char *name);
void reply_hex_byte(uint8_t byte);
void reply_hex_end(void);

/* A field with a number and its decimals: value / 2^16 (at most 2^31), rounded to four places. */
void reply_q16(const char *name, uint32_t value);

/* The whole last line of an answer that failed; received may be NULL. */
void reply_error(const char *answer, const char *message, const char *received, size_t bytes);

/* Plain output: unchanged text. */
void write_text(const char *text);
void write_bytes(const char *text, size_t bytes);
void write_number(uint64_t value);

#endif
