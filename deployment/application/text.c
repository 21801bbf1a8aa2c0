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
