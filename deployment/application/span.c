#include "grammar.h"

#if GRAMMAR_HAS_SPANS

#include "span.h"

#include <string.h> /* memcpy, memset */

#include "tokenizer.h"
#include "utf8.h"

enum {
    MAX = SPAN_MAX_BYTES,
    POSITION_BYTES = (MAX + 1 + 7) / 8, /* of a bit for each position */
    NOWHERE = 0xFF,                     /* instead of a distance, which is at most MAX: a token has one byte or more */
    ESCAPE_BYTES = 6,                   /* of the longest escape, \u001f; UTF-8 has fewer */
    NO_TOKEN = -1
};

typedef enum { NO_CHARACTER, BLANK, WORD, OTHER } class_t;

static struct {
    uint32_t bytes;
    uint32_t shortest; /* tokens of the shortest span */
    bool has_begun;    /* whether the span that is written has a token */
    uint8_t starts[POSITION_BYTES];    /* where a span may begin */
    uint8_t positions[POSITION_BYTES]; /* where the text of the span that is written may have come to */
    uint8_t distances[MAX + 1];        /* (bytes + 1) tokens to the end of a span, or NOWHERE */
    char escaped[MAX];                 /* (bytes) UTF-8 */
} input;

static bool is_in(const uint8_t *set, uint32_t position)
{
    return (set[position >> 3] >> (position & 7) & 1) != 0;
}

static void add(uint8_t *set, uint32_t position)
{
    set[position >> 3] = (uint8_t)(set[position >> 3] | 1u << (position & 7));
}

static bool is_between(uint32_t code_point, char first, char last)
{
    return code_point >= (uint32_t)first && code_point <= (uint32_t)last;
}

static class_t class_of(uint32_t code_point)
{
    if (code_point <= ' ') {
        return BLANK;
    }
    const bool is_word = is_between(code_point, '0', '9') || is_between(code_point, 'A', 'Z') ||
                         is_between(code_point, 'a', 'z') || code_point >= 0x80;
    return is_word ? WORD : OTHER;
}

/* The letter of a character's short escape, or 0. */
static char letter_of(uint32_t code_point)
{
    switch (code_point) {
    case '"':
    case '\\':
        return (char)code_point;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* Write a character to piece (ESCAPE_BYTES) as Python's json.dumps does; returns how many bytes. */
static uint32_t escape(uint32_t code_point, char *piece)
{
    const char letter = letter_of(code_point);
    if (letter != 0) {
        piece[0] = '\\';
        piece[1] = letter;
        return 2;
    }
    if (code_point >= ' ') {
        return (uint32_t)utf8_encode(code_point, piece);
    }
    memcpy(piece, "\\u00", 4);
    piece[4] = (char)('0' + (code_point >> 4));
    piece[5] = "0123456789abcdef"[code_point & 15];
    return ESCAPE_BYTES;
}

/* The bytes of a text without the blanks at its end. */
static size_t without_blanks(const char *text, size_t bytes)
{
    while (bytes > 0 && (uint8_t)text[bytes - 1] <= ' ') {
        --bytes;
    }
    return bytes;
}

/* Bytes of a text when it is escaped. */
static size_t escaped_bytes(const char *text, size_t bytes)
{
    char piece[ESCAPE_BYTES];
    size_t count = 0;
    for (size_t at = 0; at < bytes;) {
        count += escape(utf8_decode(text, bytes, &at), piece);
    }
    return count;
}

/* Append a character whose neighbours are of the classes `before` and `behind`. */
static void append(const char *piece, uint32_t size, class_t before, class_t own, class_t behind, uint8_t *ends)
{
    if (own != BLANK && own != before) {
        add(input.starts, input.bytes);
    }
    memcpy(input.escaped + input.bytes, piece, size);
    input.bytes += size;
    if (own != BLANK && own != behind) {
        add(ends, input.bytes);
    }
}

/* The class of the character that begins at `at`. */
static class_t class_at(const char *text, size_t bytes, size_t at)
{
    return at < bytes ? class_of(utf8_decode(text, bytes, &at)) : NO_CHARACTER;
}

/* Escape the end of a text, with the positions at which spans begin and end. */
static void take(const char *text, size_t bytes, uint8_t *ends)
{
    char piece[ESCAPE_BYTES];
    size_t left = escaped_bytes(text, bytes);
    class_t before = NO_CHARACTER;
    for (size_t at = 0; at < bytes;) {
        const class_t own = class_at(text, bytes, at);
        const uint32_t size = escape(utf8_decode(text, bytes, &at), piece);
        if (left <= MAX) { /* this one and all behind it have room */
            append(piece, size, before, own, class_at(text, bytes, at), ends);
        } else {
            left -= size;
        }
        before = own;
    }
}

/* The position behind a token that stands at a position, or 0. */
static uint32_t behind(int32_t token, uint32_t position)
{
    char piece[TOKENIZER_MAX_TOKEN_BYTES];
    const size_t size = tokenizer_decode(token, piece);
    if (size > input.bytes - position) {
        return 0;
    }
    for (size_t index = 0; index < size; ++index) {
        if (piece[index] != input.escaped[position + index]) {
            return 0;
        }
    }
    return position + (uint32_t)size;
}

/* The next one, behind `token`, of the tokens that stand at a position, with the position behind it; or NO_TOKEN. */
static int32_t next_at(uint32_t position, int32_t token, uint32_t *position_behind)
{
    if (position == input.bytes) {
        return NO_TOKEN;
    }
    const uint8_t first = (uint8_t)input.escaped[position];
    while (++token < TOKENIZER_VOCABULARY_SIZE) {
        if (grammar_first_bytes[token] == first && token != TOKENIZER_UNKNOWN_TOKEN &&
            (*position_behind = behind(token, position)) != 0) {
            return token;
        }
    }
    return NO_TOKEN;
}

/* Tokens of the shortest way to the end of a span that goes on at a position, or NOWHERE. */
static uint8_t nearest(uint32_t position)
{
    uint32_t best = NOWHERE;
    uint32_t there = 0;
    for (int32_t token = NO_TOKEN; (token = next_at(position, token, &there)) != NO_TOKEN;) {
        const uint32_t steps = input.distances[there] + 1u;
        best = steps < best ? steps : best;
    }
    return (uint8_t)best;
}

/* From the end on, so that the distances behind a position are known. */
static void measure(const uint8_t *ends)
{
    for (uint32_t position = input.bytes + 1; position-- > 0;) {
        input.distances[position] = is_in(ends, position) ? 0 : nearest(position);
    }
    input.shortest = NOWHERE;
    for (uint32_t position = 0; position < input.bytes; ++position) {
        const uint8_t steps = is_in(input.starts, position) ? nearest(position) : NOWHERE;
        input.shortest = steps < input.shortest ? steps : input.shortest;
    }
}

void span_read(const char *text, size_t bytes)
{
    uint8_t ends[POSITION_BYTES] = {0};
    memset(&input, 0, sizeof input);
    take(text, without_blanks(text, bytes), ends);
    measure(ends);
    if (input.shortest == NOWHERE) { /* the empty text is the only span */
        memset(&input, 0, sizeof input);
        add(input.starts, 0);
    }
}

uint32_t span_shortest(void)
{
    return input.shortest;
}

void span_begin(void)
{
    memcpy(input.positions, input.starts, POSITION_BYTES);
    input.has_begun = false;
}

bool span_may_end(void)
{
    for (uint32_t position = 0; position <= input.bytes; ++position) {
        if (is_in(input.positions, position) && input.distances[position] == 0) {
            return input.has_begun || input.bytes == 0;
        }
    }
    return false;
}

void span_allow(uint8_t *allowed, int32_t most)
{
    uint32_t there = 0;
    for (uint32_t position = 0; position < input.bytes; ++position) {
        if (!is_in(input.positions, position)) {
            continue;
        }
        for (int32_t token = NO_TOKEN; (token = next_at(position, token, &there)) != NO_TOKEN;) {
            if (input.distances[there] != NOWHERE && input.distances[there] <= most) {
                add(allowed, (uint32_t)token);
            }
        }
    }
}

bool span_advance(int32_t token)
{
    uint8_t following[POSITION_BYTES] = {0};
    bool goes_on = false;
    for (uint32_t position = 0; position < input.bytes; ++position) {
        const uint32_t there = is_in(input.positions, position) ? behind(token, position) : 0;
        if (there != 0) {
            add(following, there);
            goes_on = true;
        }
    }
    if (goes_on) {
        memcpy(input.positions, following, POSITION_BYTES);
        input.has_begun = true;
    }
    return goes_on;
}

#endif
