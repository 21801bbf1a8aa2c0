#include "reply.h"

#include "crc32.h"
#include "divide.h"
#include "port.h"
#include "text.h"
#include "utf8.h"

enum { MAX_DIGITS = 20 };

static struct {
    reply_style_t style;
    bool last;  /* line of the answer; in plain style every field is then on a separate line */
    bool first; /* field of the line */
} state;

/* The last fields of JSON lines. */
static struct {
    bool wanted;
    bool known; /* the command's number */
    uint32_t command;
    uint32_t line;  /* of the answer, from 0 */
    uint32_t first; /* to send, besides line 0 and the last one */
    uint32_t crc;   /* over the line so far */
} signature;

static bool is_hidden; /* the line is not sent */
static uint32_t boot_number;

/* All output passes through here, so that the checksum covers exactly what is sent. */
static void put(char character)
{
    if (is_hidden) {
        return;
    }
    signature.crc = signature.wanted ? crc32_update(signature.crc, &character, 1) : 0;
    port_put(character);
}

void reply_sign_nothing(void)
{
    signature.wanted = false;
}

void reply_sign_unknown(void)
{
    signature.wanted = true;
    signature.known = false;
    signature.line = 0;
    signature.first = 0;
}

void reply_sign(uint32_t command, uint32_t first)
{
    reply_sign_unknown();
    signature.known = true;
    signature.command = command;
    reply_line("taken");
    reply_end();
    signature.first = first;
}

void reply_set_boot(uint32_t boot)
{
    boot_number = boot;
}

uint32_t reply_boot(void)
{
    return boot_number;
}

bool reply_is_signed(void)
{
    return state.style == REPLY_JSON && signature.wanted;
}

bool reply_is_shown(void)
{
    return !reply_is_signed() || signature.line >= signature.first;
}

void reply_use(reply_style_t style)
{
    state.style = style;
}

bool reply_is_json(void)
{
    return state.style == REPLY_JSON;
}

void write_text(const char *text)
{
    while (*text != 0) {
        put(*text++);
    }
}

void write_bytes(const char *text, size_t bytes)
{
    for (size_t index = 0; index < bytes; ++index) {
        put(text[index]);
    }
}

void write_number(uint64_t value)
{
    char digits[MAX_DIGITS]; /* (count) the last one first */
    size_t count = 0;
    do {
        uint32_t digit;
        value = divide(value, 10, &digit);
        digits[count++] = (char)('0' + digit);
    } while (value != 0);
    while (count > 0) {
        put(digits[--count]);
    }
}

/* The lowest `digits` hexadecimal digits. */
static void write_hex(uint32_t value, int digits)
{
    while (digits-- > 0) {
        put("0123456789abcdef"[value >> (4 * digits) & 15u]);
    }
}

static void write_unit(uint32_t unit)
{
    write_text("\\u");
    write_hex(unit, 4);
}

/* ASCII only, so that a line is valid for any text of a model. */
static void write_escaped(uint32_t code_point)
{
    if (code_point > 0xFFFF) {
        write_unit(0xD800 + ((code_point - 0x10000) >> 10));
        write_unit(0xDC00 + (code_point & 0x3FF));
    } else if (code_point < 0x20 || code_point > 0x7E) {
        write_unit(code_point);
    } else {
        if (code_point == '"' || code_point == '\\') {
            put('\\');
        }
        put((char)code_point);
    }
}

/* text: (bytes) UTF-8 or not. */
static void write_quoted(const char *text, size_t bytes)
{
    size_t at = 0;
    put('"');
    while (at < bytes) {
        write_escaped(utf8_decode(text, bytes, &at));
    }
    put('"');
}

/* The name of a field with the separators before and after it. */
static void field(const char *name)
{
    if (state.style == REPLY_JSON) {
        write_text(",\"");
        write_text(name);
        write_text("\":");
        return;
    }
    if (!state.first) {
        write_text(state.last ? "\n" : "  ");
    }
    state.first = false;
    write_text(name);
    write_text(": ");
}

/* Lines that the host already has are computed again, so that line numbers and checksums continue, but not sent. */
static void begin(const char *answer, bool last)
{
    state.last = last;
    state.first = true;
    signature.crc = 0;
    is_hidden = !last && !reply_is_shown();
    if (state.style == REPLY_JSON) {
        write_text("{\"reply\":\"");
        write_text(answer);
        put('"');
    }
}

void reply_line(const char *answer)
{
    begin(answer, false);
}

void reply_last(const char *answer)
{
    begin(answer, true);
    if (state.style == REPLY_JSON) {
        write_text(",\"status\":\"ok\"");
    }
}

void reply_number(const char *name, uint64_t value)
{
    field(name);
    write_number(value);
}

void reply_signed(const char *name, int32_t value)
{
    field(name);
    if (value < 0) {
        put('-');
    }
    write_number(value < 0 ? (uint64_t)(-(int64_t)value) : (uint64_t)value);
}

void reply_bytes(const char *name, const char *text, size_t bytes)
{
    field(name);
    if (state.style == REPLY_JSON) {
        write_quoted(text, bytes);
    } else {
        write_bytes(text, bytes);
    }
}

void reply_escaped(const char *name, const char *text, size_t bytes)
{
    if (state.style == REPLY_JSON) {
        reply_bytes(name, text, bytes);
        return;
    }
    field(name);
    for (size_t index = 0; index < bytes; ++index) {
        const char character = text[index];
        if (character == '\n' || character == '\t') {
            write_text(character == '\n' ? "\\n" : "\\t");
        } else {
            write_text(character == '\\' ? "\\" : "");
            put(character);
        }
    }
}

void reply_text(const char *name, const char *text)
{
    reply_bytes(name, text, text_length(text));
}

void reply_flag(const char *name, bool value)
{
    field(name);
    write_text(value ? "true" : "false");
}

void reply_hex_begin(const char *name)
{
    field(name);
    put('"');
}

void reply_hex_byte(uint8_t byte)
{
    write_hex(byte, 2);
}

void reply_hex_end(void)
{
    put('"');
}

void reply_hex32(const char *name, uint32_t value)
{
    reply_hex_begin(name);
    write_hex(value, 8);
    reply_hex_end();
}

void reply_q16(const char *name, uint32_t value)
{
    const uint32_t ten_thousandths = (uint32_t)(((uint64_t)value * 10000 + 0x8000) >> 16);
    field(name);
    write_number(ten_thousandths / 10000);
    put('.');
    for (uint32_t place = 1000; place > 0; place /= 10) {
        put((char)('0' + ten_thousandths / place % 10));
    }
}

static void sign(void)
{
    const uint32_t crc = signature.crc; /* of all bytes before it */
    reply_hex32("crc", crc);
}

/* The last fields of a line, without the number if the command could not be parsed. */
static void number_and_sign(void)
{
    if (state.last || signature.line == 0) {
        reply_number("boot", boot_number);
    }
    if (signature.known) {
        reply_number("n", signature.command);
    }
    reply_number("line", signature.line++);
    sign();
}

void reply_end(void)
{
    if (reply_is_signed()) {
        number_and_sign();
    }
    write_text(state.style == REPLY_JSON ? "}\n" : "\n");
    is_hidden = false;
    port_flush();
}

void reply_alive(bool is_working)
{
    if (!reply_is_signed() || !signature.known) {
        return;
    }
    const uint32_t line = signature.line;
    signature.line = UINT32_MAX; /* no line of the answer, and never left out */
    begin("alive", false);
    reply_flag("working", is_working);
    reply_number("boot", boot_number);
    reply_number("n", signature.command);
    sign();
    write_text("}\n");
    port_flush();
    signature.line = line;
}

void reply_error(const char *answer, const char *message, const char *received, size_t bytes)
{
    if (state.style == REPLY_JSON) {
        begin(answer, true);
        write_text(",\"status\":\"error\"");
        reply_text("message", message);
        if (received != NULL) {
            reply_bytes("received", received, bytes);
        }
    } else {
        write_text("! ");
        write_text(message);
        if (received != NULL) {
            write_text(": ");
            write_bytes(received, bytes);
        }
    }
    reply_end();
}
