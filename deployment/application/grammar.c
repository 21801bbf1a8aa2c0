#include "grammar.h"

#if GRAMMAR_BYTES > 0

#include <stddef.h>

enum {
    FORCED = 0xFF, /* instead of flags: one token, and the next record follows */
    MAY_END = 1,   /* a flag */
    HEAD_BYTES = 5,
    SET_BYTES = (GRAMMAR_VOCABULARY_SIZE + 7) / 8,
    ALL = GRAMMAR_VOCABULARY_SIZE
};

static struct {
    bool is_on;
    uint16_t state; /* offset of its record */
    int32_t count;
    uint8_t allowed[SET_BYTES]; /* a bit for each token, token 0 in bit 0 of the first byte */
} text;

static uint32_t number_at(uint32_t offset)
{
    return grammar_records[offset] | (uint32_t)grammar_records[offset + 1] << 8;
}

static int32_t token_at(uint32_t offset)
{
    return GRAMMAR_TOKEN_BYTES == 1 ? (int32_t)grammar_records[offset] : (int32_t)number_at(offset);
}

static bool is_in(const uint8_t *set, int32_t token)
{
    return (set[token >> 3] >> (token & 7) & 1) != 0;
}

/* The record of a state that is not forced. */
typedef struct {
    uint32_t singles; /* how many, and the offset of the first one */
    uint32_t single_at;
    uint32_t sets;
    uint32_t set_at;
} record_t;

enum { SINGLE_BYTES = GRAMMAR_TOKEN_BYTES + 2, EDGE_OF_SET_BYTES = 3 };

static record_t record_at(uint32_t state)
{
    record_t record;
    record.singles = grammar_records[state + 3];
    record.sets = grammar_records[state + 4];
    record.single_at = state + HEAD_BYTES;
    record.set_at = record.single_at + record.singles * SINGLE_BYTES;
    return record;
}

/* Tokens of the shortest way from a state to a text that may end. */
static uint32_t distance_of(uint32_t state)
{
    uint32_t steps = 0;
    while (grammar_records[state] == FORCED) {
        state += 1 + GRAMMAR_TOKEN_BYTES;
        ++steps;
    }
    return steps + number_at(state + 1);
}

static bool can_end_within(uint32_t state, int32_t left)
{
    return left > GRAMMAR_LONGEST || distance_of(state) < (uint32_t)left;
}

static void allow(int32_t token)
{
    text.allowed[token >> 3] = (uint8_t)(text.allowed[token >> 3] | 1u << (token & 7));
}

static void allow_set(const uint8_t *set)
{
    for (int32_t index = 0; index < SET_BYTES; ++index) {
        text.allowed[index] |= set[index];
    }
}

static void allow_all_of(record_t record, int32_t left)
{
    for (uint32_t index = 0; index < record.singles; ++index) {
        const uint32_t at = record.single_at + index * SINGLE_BYTES;
        if (can_end_within(number_at(at + GRAMMAR_TOKEN_BYTES), left)) {
            allow(token_at(at));
        }
    }
    for (uint32_t index = 0; index < record.sets; ++index) {
        const uint32_t at = record.set_at + index * EDGE_OF_SET_BYTES;
        if (can_end_within(number_at(at + 1), left)) {
            allow_set(grammar_sets[grammar_records[at]]);
        }
    }
}

static int32_t count_bits(uint8_t byte)
{
    int32_t count = 0;
    for (; byte != 0; byte &= (uint8_t)(byte - 1u)) {
        ++count;
    }
    return count;
}

/* Find the tokens that may come next. */
static void prepare(int32_t left)
{
    text.count = 0;
    for (int32_t index = 0; index < SET_BYTES; ++index) {
        text.allowed[index] = 0;
    }
    if (grammar_records[text.state] == FORCED) {
        if (distance_of(text.state) <= (uint32_t)left) {
            allow(token_at(text.state + 1u));
        }
    } else {
        allow_all_of(record_at(text.state), left);
    }
    for (int32_t index = 0; index < SET_BYTES; ++index) {
        text.count += count_bits(text.allowed[index]);
    }
}

void grammar_begin(bool is_on, int32_t left)
{
    text.is_on = is_on;
    text.state = GRAMMAR_START;
    prepare(left);
}

int32_t grammar_only(void)
{
    if (!text.is_on || text.count != 1) {
        return GRAMMAR_NO_TOKEN;
    }
    int32_t token = 0;
    while (!is_in(text.allowed, token)) {
        ++token;
    }
    return token;
}

bool grammar_allows(int32_t token)
{
    return !text.is_on || is_in(text.allowed, token);
}

int32_t grammar_count(void)
{
    return text.is_on ? text.count : ALL;
}

/* The state behind a token that may come. */
static uint32_t after(int32_t token)
{
    if (grammar_records[text.state] == FORCED) {
        return text.state + 1u + GRAMMAR_TOKEN_BYTES;
    }
    const record_t record = record_at(text.state);
    for (uint32_t at = record.single_at; at < record.set_at; at += SINGLE_BYTES) {
        if (token_at(at) == token) {
            return number_at(at + GRAMMAR_TOKEN_BYTES);
        }
    }
    uint32_t at = record.set_at;
    while (!is_in(grammar_sets[grammar_records[at]], token)) {
        at += EDGE_OF_SET_BYTES;
    }
    return number_at(at + 1);
}

void grammar_advance(int32_t token, int32_t left)
{
    if (text.is_on) {
        text.state = (uint16_t)after(token);
        prepare(left);
    }
}

bool grammar_is_over(void)
{
    return text.is_on && text.count == 0;
}

bool grammar_is_whole(void)
{
    const uint8_t *record = grammar_records + text.state; /* flags, distance, singles, sets */
    return text.is_on && record[0] == MAY_END && record[3] == 0 && record[4] == 0;
}

#endif
