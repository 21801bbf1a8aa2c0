#include "text.h"

size_t text_length(const char *text)
{
    size_t bytes = 0;
    while (text[bytes] != 0) {
        ++bytes;
    }
    return bytes;
}

bool text_is(const char *text, size_t bytes, const char *name)
{
    for (size_t index = 0; index < bytes; ++index) {
        if (name[index] == 0 || text[index] != name[index]) {
            return false;
        }
    }
    return name[bytes] == 0;
}

const char *text_unescape(char *text, size_t *bytes)
{
    static const char names[] = "nt\\"; /* of the escapes, in the order of `meanings` */
    static const char meanings[] = "\n\t\\";
    size_t written = 0;
    for (size_t at = 0; at < *bytes; ++at) {
        char character = text[at];
        if (character == '\\') {
            size_t kind = 0;
            while (kind < sizeof names - 1 && (at + 1 == *bytes || text[at + 1] != names[kind])) {
                ++kind;
            }
            if (kind == sizeof names - 1) {
                return text + at;
            }
            character = meanings[kind];
            ++at;
        }
        text[written++] = character;
    }
    *bytes = written;
    return NULL;
}
