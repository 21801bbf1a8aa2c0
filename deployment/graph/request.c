#include "request.h"

#include <stddef.h>

#include "commands.h"
#include "text.h"

/* The keys, in the order of their places. */
enum { KEY_INDEX, KEY_AT, KEY_HEX, KEY_COUNT };

request_t request_default(void)
{
    const request_t request = {.has_hex = false, .index = 0};
    return request;
}

int request_key(const char *name, size_t bytes)
{
    static const char *const names[KEY_COUNT] = {"index", "at", "hex"};
    for (int place = 0; place < KEY_COUNT; ++place) {
        if (text_is(name, bytes, names[place])) {
            return place;
        }
    }
    return -1;
}

const char *request_take(request_t *request, int place, const json_value_t *key, const json_value_t *value)
{
    (void)key;
    switch (place) {
    case KEY_INDEX:
        return request_whole(&request->index, value);
    case KEY_AT:
        return request_whole(&request->at, value);
    default:
        request->hex = *value;
        request->has_hex = true;
        return value->kind == JSON_TEXT ? NULL : "hex is a text";
    }
}

const char *request_complete(request_t *request)
{
    (void)request;
    return NULL;
}
