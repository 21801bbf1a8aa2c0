#include "stop.h"

/* The held bytes are always the first `held` bytes of the stop text itself, so only their number is stored. */

void stop_init(stop_t *stop, const char *text, size_t bytes)
{
    stop->text = text;
    stop->bytes = bytes;
    stop->held = 0;
}

bool stop_found(const stop_t *stop)
{
    return stop->bytes > 0 && stop->held == stop->bytes;
}

/* Whether the held bytes and `next` end with the first `size` bytes of the stop text; 0 < size <= held + 1. */
static bool ends_with_beginning(const stop_t *stop, char next, size_t size)
{
    const char *end = stop->text + stop->held - (size - 1);
    if (stop->text[size - 1] != next) {
        return false;
    }
    for (size_t index = 0; index < size - 1; ++index) {
        if (end[index] != stop->text[index]) {
            return false;
        }
    }
    return true;
}

/* Write the first `count` bytes of the stop text to certain (count). */
static void release(const stop_t *stop, size_t count, char *certain)
{
    for (size_t index = 0; index < count; ++index) {
        certain[index] = stop->text[index];
    }
}

size_t stop_feed(stop_t *stop, const char *portion, size_t count, char *certain)
{
    size_t written = 0;
    for (size_t index = 0; index < count && !stop_found(stop); ++index) {
        const char next = portion[index]; /* read before it may be overwritten */
        size_t size = stop->bytes > 0 ? stop->held + 1 : 0;
        while (size > 0 && !ends_with_beginning(stop, next, size)) {
            --size;
        }
        const size_t safe = stop->held + 1 - size; /* of the held bytes and `next`, which then is the last of them */
        if (size > 0) {
            release(stop, safe, certain + written);
        } else {
            release(stop, stop->held, certain + written);
            certain[written + stop->held] = next;
        }
        written += safe;
        stop->held = size;
    }
    return written;
}

size_t stop_end(stop_t *stop, char *certain)
{
    const size_t count = stop_found(stop) ? 0 : stop->held;
    release(stop, count, certain);
    stop->held -= count;
    return count;
}
