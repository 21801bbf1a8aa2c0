#include "console.h"

#include <stdbool.h>
#include <stddef.h>

#include "commands.h"
#include "crc32.h"
#include "decimal.h"
#include "device.h"
#include "input.h"
#include "json.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "reply.h"
#include "self_check.h"
#include "text.h"

enum { BACKSPACE = 0x08, DELETE = 0x7F, END_OF_TRANSMISSION = 0x04, HASH_SHOWN = 12 };

static struct {
    char bytes[TEXTZOO_LINE_BYTES]; /* (count) the line so far, without its end */
    size_t count;
    bool too_long; /* the rest was discarded */
} line;

/* The state of the protocol with signed lines. */
static struct {
    bool is_open;  /* a signed command was received, and no `release` since */
    bool has_last; /* no other line was executed since the command with this number */
    uint32_t last;
} machines;

/* The last line is the one that the host waits for. */
static void greet(void)
{
    write_text("TextZoo: " MODEL_NAME ", version ");
    write_number(MODEL_VERSION);
    write_text(", ");
    write_bytes(MODEL_HASH, HASH_SHOWN);
    write_text("\nWeights: ");
    write_number(MODEL_WEIGHT_BYTES);
    write_text(device_weights_right() ? " bytes, CRC-32 right\n" : " bytes, CRC-32 WRONG: flash the image again\n");
    write_text("Self-check: ");
    commands_write_checked();
    write_text(self_check_kernels() ? " as computed on the PC\n" : " NOT as computed on the PC\n");
    write_text(REQUEST_GREETING ", or :help\n");
    port_flush();
}

/* The last character of the line: continuation bytes of UTF-8 go with their leading byte. */
static void erase_character(bool echo)
{
    if (line.count == 0) {
        return;
    }
    while (--line.count > 0 && ((unsigned char)line.bytes[line.count] & 0xC0) == 0x80) {
    }
    if (echo) {
        write_text("\b \b");
    }
}

/* Bytes beyond the buffer are discarded; the line is refused when it ends. */
static void add_byte(char byte, bool echo)
{
    if (line.count == TEXTZOO_LINE_BYTES) {
        line.too_long = true;
        return;
    }
    line.bytes[line.count++] = byte;
    if (echo) {
        port_put(byte);
    }
}

/* Whether input is echoed; not in JSON, where a program would interpret its echoed command as an answer. */
static bool echoes(char byte)
{
    return port_echoes() && !machines.is_open && (line.count > 0 ? line.bytes[0] : byte) != '{';
}

static void clear_line(void)
{
    line.count = 0;
    line.bytes[0] = 0;
    line.too_long = false;
}

/* False at the end of the input, if the line is empty. */
static bool read_line(void)
{
    clear_line();
    for (;;) {
        const int byte = input_get();
        const bool echo = echoes((char)byte);
        if (byte == INPUT_ENQUIRY) {
            reply_alive(false);
            continue;
        }
        if (byte == PROTOCOL_INTERRUPT) {
            write_text(echo ? "^C\n" : "");
            port_flush();
            clear_line();
            continue;
        }
        if (byte == '\n' || byte == '\r') {
            write_text(echo ? "\n" : "");
            line.too_long = input_was_lost() || line.too_long;
            return true;
        }
        if (byte == PORT_END_OF_INPUT || (byte == END_OF_TRANSMISSION && line.count == 0 && !machines.is_open)) {
            return line.count > 0;
        }
        if (echo && (byte == BACKSPACE || byte == DELETE)) {
            erase_character(echo);
        } else {
            add_byte((char)byte, echo);
        }
    }
}

/* ":top-k 5": a command, or an option and its value. Both are read in place. */
static void run_colon(void)
{
    char *name = line.bytes + 1;
    char *end = line.bytes + line.count;
    char *name_end = name;
    while (name_end < end && *name_end != ' ') {
        ++name_end;
    }
    const size_t name_bytes = (size_t)(name_end - name);
    char *value = name_end < end ? name_end + 1 : end;
    const command_t command = commands_find(name, name_bytes);
    if (command != NULL && name_end == end) {
        const request_t request = request_default();
        command(&request);
    } else if (!commands_option(name, name_bytes, value, (size_t)(end - value))) {
        commands_help();
    }
}

/* The keys of every JSON command, in the order of their bits in `given`; those of the application follow. */
enum { KEY_COMMAND, KEY_NUMBER, KEY_FIRST, KEY_REQUEST };

/* The position of a key among these, or -1. */
static int key_index(const json_value_t *key)
{
    static const char *const names[KEY_REQUEST] = {"command", "n", "from"};
    for (int index = 0; index < KEY_REQUEST; ++index) {
        if (text_is(key->text, key->bytes, names[index])) {
            return index;
        }
    }
    const int place = request_key(key->text, key->bytes);
    return place < 0 ? -1 : KEY_REQUEST + place;
}

typedef struct {
    request_t request;
    json_value_t name; /* of the command */
    uint32_t number;   /* of the command */
    uint32_t first;    /* first line of the answer to send */
    bool is_signed;
    unsigned given; /* bit per key */
} machine_request_t;

/* NULL, or what a value should have been. */
const char *request_whole(uint32_t *number, const json_value_t *value)
{
    const bool is_whole =
        value->kind == JSON_NUMBER && decimal_whole(value->text, value->bytes, UINT32_MAX, number);
    return is_whole ? NULL : "a whole number, 0 to 4294967295";
}

/* NULL, or what a value should have been. */
const char *request_flag(bool *flag, const json_value_t *value, const char *expected)
{
    *flag = value->kind == JSON_TRUE;
    return *flag || value->kind == JSON_FALSE ? NULL : expected;
}

/* NULL, or what is wrong with the pair. */
static const char *take_pair(machine_request_t *machine, const json_value_t *key, const json_value_t *value)
{
    const int index = key_index(key);
    if (index < 0) {
        return "unknown key";
    }
    if (machine->given & 1u << index) {
        return "key given twice";
    }
    machine->given |= 1u << index;
    switch (index) {
    case KEY_COMMAND:
        machine->name = *value;
        return value->kind == JSON_TEXT ? NULL : "command is a text";
    case KEY_NUMBER:
        return request_whole(&machine->number, value);
    case KEY_FIRST:
        return request_whole(&machine->first, value);
    default:
        return request_take(&machine->request, index - KEY_REQUEST, key, value);
    }
}

/* Begin the answer to a signed command, and find whether it repeats or follows the previous one. */
static void take_command(machine_request_t *machine)
{
    request_t *request = &machine->request;
    request->is_repeated = machines.has_last && machine->number == machines.last;
    request->is_next = machines.has_last && machine->number == machines.last + 1;
    machines.has_last = true;
    machines.last = machine->number;
    reply_sign(machine->number, machine->first);
}

/* Reply an error for a line that cannot be parsed, with the command's number if that was parsed. */
static void refuse(machine_request_t *machine, const char *problem, const json_value_t *key)
{
    if (machine->is_signed && machine->given & 1u << KEY_NUMBER) {
        take_command(machine);
    }
    reply_error("error", problem, key == NULL ? NULL : key->text, key == NULL ? 0 : key->bytes);
}

/* False after an error was replied. */
static bool read_request(machine_request_t *machine)
{
    json_object_t object;
    json_value_t key;
    json_value_t value;
    json_open(&object, line.bytes, line.count);
    while (json_next(&object, &key, &value)) {
        const char *problem = take_pair(machine, &key, &value);
        if (problem != NULL) {
            refuse(machine, problem, &key);
            return false;
        }
    }
    if (object.problem != NULL) {
        refuse(machine, object.problem, NULL);
        return false;
    }
    return true;
}

/* Execute a line of JSON. An unsigned line, as typed by hand, counts as directly following the previous command,
 * because typed lines are not lost. */
static void run_machine(bool is_signed)
{
    machine_request_t machine = {.request = request_default(), .is_signed = is_signed};
    machine.request.is_next = true;
    if (!read_request(&machine)) {
        return;
    }
    if (is_signed) {
        take_command(&machine);
    }
    const char *problem = request_complete(&machine.request);
    if (problem != NULL) {
        reply_error("error", problem, NULL, 0);
        return;
    }
    const bool named = machine.given & 1u << KEY_COMMAND;
    const command_t command = named ? commands_find(machine.name.text, machine.name.bytes) : NULL;
    if (command == NULL) {
        reply_error("error", "unknown command", named ? machine.name.text : NULL, machine.name.bytes);
        return;
    }
    machines.is_open = is_signed && !text_is(machine.name.text, machine.name.bytes, "release");
    command(&machine.request);
}

/* A signed line ends with ,"crc":"89abcdef"}: the CRC-32 of all bytes before it, which is removed. */
typedef enum { NOT_SIGNED, SIGNED, DAMAGED } signature_t;

static signature_t take_signature(void)
{
    static const char opening[] = PROTOCOL_CRC_KEY;
    enum { OPENING = sizeof opening - 1, DIGITS = 8, SIGNATURE = OPENING + DIGITS + 2 };
    const size_t signed_bytes = line.count < SIGNATURE ? 0 : line.count - SIGNATURE;
    if (signed_bytes == 0 || !text_is(line.bytes + signed_bytes, OPENING, opening)) {
        return NOT_SIGNED;
    }
    uint32_t left = crc32_update(0, line.bytes, signed_bytes);
    const char *digit = line.bytes + signed_bytes + OPENING;
    for (int index = 0; index < DIGITS; ++index, left <<= 4) {
        if (*digit++ != "0123456789abcdef"[left >> 28]) {
            return DAMAGED;
        }
    }
    if (digit[0] != '"' || digit[1] != '}') {
        return DAMAGED;
    }
    line.bytes[signed_bytes] = '}';
    line.count = signed_bytes + 1;
    return SIGNED;
}

/* Process a line that may be signed; returns false if it is to be processed as an unsigned line. */
static bool run_as_machine(void)
{
    const bool is_object = line.bytes[0] == '{';
    const signature_t signature = is_object && !line.too_long ? take_signature() : NOT_SIGNED;
    if (signature == DAMAGED || (machines.is_open && signature == NOT_SIGNED)) {
        reply_use(REPLY_JSON);
        reply_sign_unknown();
        reply_error("damaged", "no right checksum (people type :help first)", NULL, 0);
        return true;
    }
    if (signature == SIGNED) {
        reply_use(REPLY_JSON);
        reply_sign_unknown();
        run_machine(true);
    }
    return signature == SIGNED;
}

static void run_line(void)
{
    const char first = line.bytes[0];
    if (first == ':') {
        machines.is_open = false; /* return to interactive use */
    }
    if (run_as_machine()) {
        return;
    }
    machines.has_last = false; /* an unsigned line may feed tokens: no signed command continues from before it */
    reply_sign_nothing();
    reply_use(first == '{' ? REPLY_JSON : REPLY_PLAIN);
    if (line.too_long) {
        reply_error("error", "the line is too long, or was typed too far ahead", NULL, 0);
    } else if (first == '{') {
        run_machine(false);
    } else if (first == ':') {
        run_colon();
    } else {
        commands_line(line.bytes, line.count);
    }
}

void console_run(void)
{
    commands_begin();
    greet();
    while (read_line()) {
        if (line.count > 0 || line.too_long) {
            run_line();
        }
    }
}
