#include "json.h"

#include <stdint.h>

#include "text.h"
#include "utf8.h"

static bool fail(json_object_t *object, const char *problem)
{
    object->problem = problem;
    return false;
}

/* The next character after white space, not consumed; 0 at the end (and for a 0 in the line, which is never valid). */
static char peek(json_object_t *object)
{
    while (object->at < object->end && (*object->at == ' ' || *object->at == '\t')) {
        ++object->at;
    }
    return (char)(object->at < object->end ? *object->at : 0);
}

/* Whether the next character after white space is the expected one; consumes it then. */
static bool take(json_object_t *object, char expected)
{
    if (peek(object) != expected) {
        return false;
    }
    ++object->at;
    return true;
}

/* Whether the next character, without skipping white space, is one of two; consumes it then. */
static bool take_either(json_object_t *object, char first, char second)
{
    if (object->at < object->end && (*object->at == first || *object->at == second)) {
        ++object->at;
        return true;
    }
    return false;
}

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    const char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hexadecimal digits; 0x10000 where they are not. */
static uint32_t read_hex(json_object_t *object)
{
    uint32_t value = 0;
    for (int index = 0; index < 4; ++index) {
        const int digit = object->at < object->end ? hex_digit(*object->at) : -1;
        if (digit < 0) {
            return 0x10000;
        }
        value = value << 4 | (uint32_t)digit;
        ++object->at;
    }
    return value;
}

/* After \u: a code point; a pair of surrogates is one, a lone surrogate is an error. */
static bool read_code_point(json_object_t *object, char **write)
{
    uint32_t code_point = read_hex(object);
    if (code_point >= 0xD800 && code_point < 0xDC00) {
        if (object->end - object->at < 2 || object->at[0] != '\\' || object->at[1] != 'u') {
            return fail(object, "lone surrogate");
        }
        object->at += 2;
        const uint32_t low = read_hex(object);
        if (low < 0xDC00 || low > 0xDFFF) {
            return fail(object, "lone surrogate");
        }
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
    } else if (code_point > 0xFFFF || (code_point >= 0xDC00 && code_point <= 0xDFFF)) {
        return fail(object, "wrong \\u escape");
    }
    *write += utf8_encode(code_point, *write);
    return true;
}

/* After the backslash; *write: destination of the character, which never overtakes the source. */
static bool read_escape(json_object_t *object, char **write)
{
    static const char names[] = "\"\\/bfnrt"; /* of the escapes, in the order of `meanings` */
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (take_either(object, 'u', 'u')) {
        return read_code_point(object, write);
    }
    for (size_t index = 0; index < sizeof names - 1; ++index) {
        if (take_either(object, names[index], names[index])) {
            *(*write)++ = meanings[index];
            return true;
        }
    }
    return fail(object, "unknown escape");
}

/* After the opening quote. */
static bool read_text(json_object_t *object, json_value_t *value)
{
    char *write = object->at;
    value->kind = JSON_TEXT;
    value->text = write;
    while (object->at < object->end) {
        const char character = *object->at++;
        if (character == '"') {
            value->bytes = (size_t)(write - value->text);
            return true;
        }
        if ((unsigned char)character < 0x20) {
            return fail(object, "control character in a text");
        }
        if (character != '\\') {
            *write++ = character;
        } else if (!read_escape(object, &write)) {
            return false;
        }
    }
    return fail(object, "text without an end");
}

/* Consume digits, and return their number. */
static size_t take_digits(json_object_t *object)
{
    const char *start = object->at;
    while (object->at < object->end && *object->at >= '0' && *object->at <= '9') {
        ++object->at;
    }
    return (size_t)(object->at - start);
}

/* A number in JSON's notation: no leading zero, digits on both sides of a point. It stays text for decimal.h. */
static bool read_number(json_object_t *object, json_value_t *value)
{
    value->kind = JSON_NUMBER;
    value->text = object->at;
    take_either(object, '-', '-');
    const char *digits = object->at;
    const size_t count = take_digits(object);
    if (count == 0 || (count > 1 && *digits == '0')) {
        return fail(object, "wrong number");
    }
    if (take_either(object, '.', '.') && take_digits(object) == 0) {
        return fail(object, "wrong number");
    }
    if (take_either(object, 'e', 'E')) {
        take_either(object, '+', '-');
        if (take_digits(object) == 0) {
            return fail(object, "wrong number");
        }
    }
    value->bytes = (size_t)(object->at - value->text);
    return true;
}

/* After the opening bracket. Numbers are checked here, so that json_next_number cannot fail. */
static bool read_list(json_object_t *object, json_value_t *value)
{
    json_value_t number;
    value->kind = JSON_LIST;
    value->text = object->at;
    if (peek(object) != ']') {
        do {
            peek(object);
            if (!read_number(object, &number)) {
                return fail(object, "a list may hold numbers only");
            }
        } while (take(object, ','));
    }
    value->bytes = (size_t)(object->at - value->text);
    return take(object, ']') || fail(object, "list without an end");
}

static bool read_word(json_object_t *object, json_value_t *value)
{
    static const struct {
        const char *text;
        json_kind_t kind;
    } words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
    for (size_t index = 0; index < sizeof words / sizeof *words; ++index) {
        const size_t bytes = text_length(words[index].text);
        if ((size_t)(object->end - object->at) >= bytes && text_is(object->at, bytes, words[index].text)) {
            value->kind = words[index].kind;
            value->text = object->at;
            value->bytes = bytes;
            object->at += bytes;
            return true;
        }
    }
    return fail(object, "wrong value");
}

static bool read_value(json_object_t *object, json_value_t *value)
{
    const char next = peek(object);
    if (next == '"' || next == '[') {
        ++object->at;
        return next == '"' ? read_text(object, value) : read_list(object, value);
    }
    if (next == '-' || (next >= '0' && next <= '9')) {
        return read_number(object, value);
    }
    return read_word(object, value);
}

void json_open(json_object_t *object, char *line, size_t bytes)
{
    object->at = line;
    object->end = line + bytes;
    object->problem = NULL;
    object->started = false;
    object->finished = false;
}

/* At the end of the object: nothing may follow. */
static bool finish(json_object_t *object)
{
    object->finished = true;
    peek(object);
    return object->at < object->end ? fail(object, "text behind the object") : false;
}

bool json_next(json_object_t *object, json_value_t *key, json_value_t *value)
{
    if (object->problem != NULL || object->finished) {
        return false;
    }
    if (!object->started) {
        object->started = true;
        if (!take(object, '{')) {
            return fail(object, "expected {");
        }
        if (take(object, '}')) {
            return finish(object);
        }
    } else if (take(object, '}')) {
        return finish(object);
    } else if (!take(object, ',')) {
        return fail(object, "expected , or }");
    }
    if (!take(object, '"')) {
        return fail(object, "expected a key");
    }
    if (!read_text(object, key)) {
        return false;
    }
    return (take(object, ':') || fail(object, "expected :")) && read_value(object, value);
}

bool json_next_number(json_value_t *list, json_value_t *number)
{
    const char *end = list->text + list->bytes;
    const char *at = list->text;
    while (at < end && (*at == ',' || *at == ' ' || *at == '\t')) {
        ++at;
    }
    number->kind = JSON_NUMBER;
    number->text = at;
    while (at < end && *at != ',' && *at != ' ' && *at != '\t') {
        ++at;
    }
    number->bytes = (size_t)(at - number->text);
    list->text = at;
    list->bytes = (size_t)(end - at);
    return number->bytes > 0;
}

bool json_take(json_object_t *object, char expected)
{
    return take(object, expected);
}

bool json_text(json_object_t *object, json_value_t *value)
{
    return read_text(object, value);
}

bool json_number(json_object_t *object, json_value_t *value)
{
    return read_number(object, value);
}

bool json_is_over(json_object_t *object)
{
    peek(object);
    return object->at == object->end;
}
