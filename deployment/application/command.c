#include "command.h"

#include "decimal.h"
#include "json.h"
#include "text.h"
#include "utf8.h"

bool command_is(const char *text, const char *other)
{
    return text_is(text, text_length(text), other);
}

const command_slot_t *command_slot(const command_slot_t *slots, size_t count, const char *name)
{
    for (size_t index = 0; index < count; ++index) {
        if (command_is(slots[index].name, name)) {
            return slots + index;
        }
    }
    return NULL;
}

const char *command_text(const command_slot_t *slots, size_t count, const char *name)
{
    const command_slot_t *slot = command_slot(slots, count, name);
    return slot == NULL ? "" : slot->text;
}

int32_t command_integer(const command_slot_t *slots, size_t count, const char *name, int32_t otherwise)
{
    const command_slot_t *slot = command_slot(slots, count, name);
    return slot == NULL || slot->kind != COMMAND_INTEGER ? otherwise : slot->integer;
}

static bool fail(json_object_t *json, const char *problem)
{
    json->problem = problem;
    return false;
}

static bool expect(json_object_t *json, char character, const char *problem)
{
    return json_take(json, character) || fail(json, problem);
}

/* U+FFFD stands in a text itself, or for what is no UTF-8. */
static bool is_replacement(const char *bytes, size_t count)
{
    return count == 3 && (uint8_t)bytes[0] == 0xEF && (uint8_t)bytes[1] == 0xBF && (uint8_t)bytes[2] == 0xBD;
}

/* Whether text (bytes) can be a C string of UTF-8. */
static bool is_string(const char *text, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        const size_t start = at;
        const uint32_t code_point = utf8_decode(text, bytes, &at);
        if (code_point == 0 || (code_point == UTF8_REPLACEMENT && !is_replacement(text + start, at - start))) {
            return false;
        }
    }
    return true;
}

/* Behind the opening quote: a text that ends with a 0, in its place. The 0 overwrites the closing quote, or a character
 * before it where escapes have made the text shorter. */
static bool read_string(json_object_t *json, const char **string)
{
    json_value_t value;
    if (!json_text(json, &value)) {
        return false;
    }
    if (!is_string(value.text, value.bytes)) {
        return fail(json, "a text is not UTF-8, or has the character 0");
    }
    json->at[value.text + value.bytes - json->at] = 0;
    *string = value.text;
    return true;
}

static bool read_key(json_object_t *json, const char **name)
{
    return expect(json, '"', "expected a key") && read_string(json, name) && expect(json, ':', "expected :");
}

/* value: without its name. */
static bool add(json_object_t *json, parsed_command_t *command, const char *name, command_slot_t value)
{
    if (command->count == COMMAND_MAX_SLOTS) {
        return fail(json, "too many slots");
    }
    value.name = name;
    command->slots[command->count++] = value;
    return true;
}

/* Behind the opening quote. */
static bool read_text(json_object_t *json, parsed_command_t *command, const char *name)
{
    command_slot_t slot = {.kind = COMMAND_TEXT};
    return read_string(json, &slot.text) && add(json, command, name, slot);
}

/* Behind the opening bracket. */
static bool read_list(json_object_t *json, parsed_command_t *command, const char *name)
{
    if (json_take(json, ']')) {
        return true;
    }
    do {
        if (!expect(json, '"', "a list may hold texts only") || !read_text(json, command, name)) {
            return false;
        }
    } while (json_take(json, ','));
    return expect(json, ']', "list without an end");
}

static bool read_integer(json_object_t *json, parsed_command_t *command, const char *name)
{
    static const char expected[] = "a slot is a text, a list of texts, or a whole number of 32 bits";
    command_slot_t slot = {.kind = COMMAND_INTEGER, .text = ""};
    json_value_t value;
    uint32_t whole;
    if (!json_number(json, &value)) {
        return fail(json, expected);
    }
    const size_t sign = value.text[0] == '-';
    if (!decimal_whole(value.text + sign, value.bytes - sign, (uint32_t)INT32_MAX + (uint32_t)sign, &whole)) {
        return fail(json, expected);
    }
    slot.integer = (int32_t)(sign ? -(int64_t)whole : (int64_t)whole);
    return add(json, command, name, slot);
}

static bool read_slot(json_object_t *json, parsed_command_t *command)
{
    const char *name;
    if (!read_key(json, &name)) {
        return false;
    }
    if (command_is(name, "intent") || command_slot(command->slots, command->count, name) != NULL) {
        return fail(json, "key given twice");
    }
    if (json_take(json, '"')) {
        return read_text(json, command, name);
    }
    return json_take(json, '[') ? read_list(json, command, name) : read_integer(json, command, name);
}

static bool read_intent(json_object_t *json, parsed_command_t *command)
{
    const char *name;
    if (!expect(json, '{', "expected {") || !read_key(json, &name)) {
        return false;
    }
    if (!command_is(name, "intent")) {
        return fail(json, "the intent does not come first");
    }
    return expect(json, '"', "the intent is no text") && read_string(json, &command->intent);
}

static bool read_command(json_object_t *json, parsed_command_t *command)
{
    if (!read_intent(json, command)) {
        return false;
    }
    while (json_take(json, ',')) {
        if (!read_slot(json, command)) {
            return false;
        }
    }
    return expect(json, '}', "expected , or }") && (json_is_over(json) || fail(json, "text behind the object"));
}

const char *command_parse(char *answer, size_t bytes, parsed_command_t *command)
{
    json_object_t json;
    command->intent = "";
    command->count = 0;
    json_open(&json, answer, bytes);
    return read_command(&json, command) ? NULL : json.problem;
}
