/* A strict parser of one flat JSON object on one line: strings, numbers, true, false, null, and lists of numbers.
 * Deeper nesting is an error, so there is no recursion. Strings are unescaped in place (they only shrink). */
#ifndef TEXTZOO_JSON_H
#define TEXTZOO_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { JSON_TEXT, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL, JSON_LIST } json_kind_t;

typedef struct {
    json_kind_t kind;
    const char *text; /* (bytes) without quotes or brackets; not terminated by 0, but it may contain 0 */
    size_t bytes;
} json_value_t;

typedef struct {
    char *at;
    char *end;
    const char *problem; /* NULL, or what is wrong with the line; static text */
    bool started;
    bool finished;
} json_object_t;

/* line: (bytes), is modified, and must stay valid while values are used. */
void json_open(json_object_t *object, char *line, size_t bytes);

/* The next pair. False at the end, or if `problem` is set. */
bool json_next(json_object_t *object, json_value_t *key, json_value_t *value);

/* The next number of a JSON_LIST, which is removed from its front. False at the end. */
bool json_next_number(json_value_t *list, json_value_t *number);

/* The parts of json_next, for objects of another form. Blanks before a character are skipped. Consume one character, or
 * return false; what follows the opening quote of a text; a number; both set `problem` where they fail. Whether nothing but
 * blanks is left. */
bool json_take(json_object_t *object, char expected);
bool json_text(json_object_t *object, json_value_t *value);
bool json_number(json_object_t *object, json_value_t *value);
bool json_is_over(json_object_t *object);

#endif
