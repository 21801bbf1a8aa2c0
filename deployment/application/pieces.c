#include "pieces.h"

#include <stdint.h>

#include "utf8.h"

typedef enum { BLANK, DIGIT, LETTER, MARK } kind_t;

/* Beyond ASCII: Latin-1's punctuation, blocks of symbols, surrogates, the replacement character, emoji. */
static const struct {
    uint32_t low;
    uint32_t high;
} marks[] = {
    {0x80, 0xBF},     {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x2BFF},
    {0x3000, 0x303F}, {0xD800, 0xDFFF}, {0xFFF0, 0xFFFF}, {0x1F000, 0x1FFFF},
};

/* Below 128. DEL and all controls count as blanks, as in Python. */
static kind_t kind_of_ascii(uint32_t character)
{
    const uint32_t letter = (character | 0x20u) - 'a';
    if (character <= ' ' || character == 0x7F) {
        return BLANK;
    }
    if (character - '0' < 10u) {
        return DIGIT;
    }
    return letter < 26u ? LETTER : MARK;
}

static kind_t kind_of(uint32_t code_point)
{
    if (code_point < 0x80) {
        return kind_of_ascii(code_point);
    }
    for (size_t index = 0; index < sizeof marks / sizeof *marks; ++index) {
        if (code_point >= marks[index].low && code_point <= marks[index].high) {
            return MARK;
        }
    }
    return LETTER;
}

/* The kind of the character of bytes (count) at *at < count; moves *at past it. */
static kind_t next_kind(const char *bytes, size_t count, size_t *at)
{
    return kind_of(utf8_decode(bytes, count, at));
}

/* Whether bytes[at] is a space that is part of the piece after it. */
static int space_before_piece(const char *bytes, size_t count, size_t at)
{
    if (bytes[at] != ' ' || at + 1 >= count) {
        return 0;
    }
    ++at;
    return next_kind(bytes, count, &at) != BLANK;
}

size_t pieces_end(const char *bytes, size_t count, size_t at, int longest_run)
{
    at += space_before_piece(bytes, count, at) ? 1u : 0u;
    const kind_t kind = next_kind(bytes, count, &at);
    const int longest = kind == LETTER ? PIECES_MAX_LETTERS : kind == DIGIT ? 1 : longest_run;
    for (int characters = 1; characters < longest && at < count; ++characters) {
        size_t behind = at;
        if (next_kind(bytes, count, &behind) != kind || space_before_piece(bytes, count, at)) {
            break;
        }
        at = behind;
    }
    return at;
}

size_t pieces_copy(const char *bytes, size_t count, char *piece)
{
    size_t written = 0;
    for (size_t at = 0; at < count;) {
        written += utf8_encode(utf8_decode(bytes, count, &at), piece + written);
    }
    return written;
}
