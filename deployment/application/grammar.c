#include "grammar.h"

#if GRAMMAR_BYTES > 0

#include <stddef.h>

#if GRAMMAR_HAS_SPANS
#include "span.h"
#endif

enum {
    /* Instead of flags, with the state that follows at once: one token; a span of the input; one token of a set. */
    FORCED = 0xFF,
    SPAN = 0xFE,
    FORCED_SET = 0xFC,
    JUMP = 0xFD, /* instead of flags: the state that is meant */
    MAY_END = 1, /* a flag; the others are the number of ways */
    HEAD_BYTES = 5,
    WAY_BYTES = 3,
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

/* The record of a state that has flags. */
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
    record.single_at = state + HEAD_BYTES + (GRAMMAR_HAS_SPANS ? (grammar_records[state] >> 1) * WAY_BYTES : 0u);
    record.set_at = record.single_at + record.singles * SINGLE_BYTES;
    return record;
}

/* The state behind one that any token that may come leads on from, or the state itself. */
static uint32_t next_of(uint32_t state)
{
    switch (grammar_records[state]) {
    case FORCED:
        return state + 1 + GRAMMAR_TOKEN_BYTES;
#if GRAMMAR_HAS_SHORT_FORMS
    case FORCED_SET:
        return state + 2;
    case JUMP:
        return number_at(state + 1);
#endif
#if GRAMMAR_HAS_SPANS
    case SPAN:
        return state + 1;
#endif
    default:
        return state;
    }
}

/* Tokens from such a state to the next one. */
static uint32_t steps_of(uint32_t state)
{
#if GRAMMAR_HAS_SHORT_FORMS
    if (grammar_records[state] == JUMP) {
        return 0;
    }
#endif
#if GRAMMAR_HAS_SPANS
    if (grammar_records[state] == SPAN) {
        return span_shortest();
    }
#endif
    (void)state;
    return 1;
}

/* Tokens of the shortest way from a state that has flags. */
static uint32_t way_of(uint32_t state)
{
    uint32_t best = number_at(state + 1);
#if GRAMMAR_HAS_SPANS
    const uint32_t end = record_at(state).single_at;
    for (uint32_t at = state + HEAD_BYTES; at < end; at += WAY_BYTES) {
        const uint32_t tokens = grammar_records[at] * span_shortest() + number_at(at + 1);
        best = tokens < best ? tokens : best;
    }
#endif
    return best;
}

/* Tokens of the shortest way from a state to a text that may end. */
static uint32_t distance_of(uint32_t state)
{
    uint32_t steps = 0;
    for (uint32_t next; (next = next_of(state)) != state; state = next) {
        steps += steps_of(state);
    }
    return steps + way_of(state);
}

/* No text needs more tokens to its end. */
static int32_t longest(void)
{
#if GRAMMAR_HAS_SPANS
    return GRAMMAR_LONGEST + GRAMMAR_SPANS * (int32_t)span_shortest();
#else
    return GRAMMAR_LONGEST;
#endif
}

static bool can_end_within(uint32_t state, int32_t left)
{
    return left > longest() || (int32_t)distance_of(state) < left;
}

/* The state itself where a JUMP leads to it. */
static uint32_t resolved(uint32_t state)
{
#if GRAMMAR_HAS_SHORT_FORMS
    if (grammar_records[state] == JUMP) {
        return number_at(state + 1);
    }
#endif
    return state;
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

/* Allow the tokens of a state outside of spans. */
static void allow_from(uint32_t state, int32_t left)
{
    switch (grammar_records[state]) {
    case FORCED:
        if ((int32_t)distance_of(state) <= left) {
            allow(token_at(state + 1u));
        }
        return;
#if GRAMMAR_HAS_SHORT_FORMS
    case FORCED_SET:
        if ((int32_t)distance_of(state) <= left) {
            allow_set(grammar_sets[grammar_records[state + 1u]]);
        }
        return;
#endif
    default:
        allow_all_of(record_at(state), left);
    }
}

#if GRAMMAR_HAS_SPANS
static bool is_in_span(void)
{
    return grammar_records[text.state] == SPAN;
}

/* Where a span may end, the tokens behind it may come, too: they begin with a quote, which no escaped span has. */
static void allow_in_span(int32_t left)
{
    const uint32_t behind = resolved(text.state + 1u);
    span_allow(text.allowed, left - 1 - (int32_t)distance_of(behind));
    if (span_may_end()) {
        allow_from(behind, left);
    }
}
#endif

/* Find the tokens that may come next. */
static void prepare(int32_t left)
{
    text.count = 0;
    for (int32_t index = 0; index < SET_BYTES; ++index) {
        text.allowed[index] = 0;
    }
#if GRAMMAR_HAS_SPANS
    if (is_in_span()) {
        allow_in_span(left);
    } else
#endif
    {
        allow_from(text.state, left);
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

/* The state behind a token that may come in a state outside of spans. */
static uint32_t after(uint32_t state, int32_t token)
{
    if (next_of(state) != state) {
        return next_of(state);
    }
    const record_t record = record_at(state);
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

static void go_on(int32_t token)
{
    uint32_t state = text.state;
#if GRAMMAR_HAS_SPANS
    if (is_in_span()) {
        if (span_advance(token)) {
            return;
        }
        state = resolved(state + 1u);
    }
#endif
    text.state = (uint16_t)resolved(after(state, token));
#if GRAMMAR_HAS_SPANS
    if (is_in_span()) {
        span_begin();
    }
#endif
}

void grammar_advance(int32_t token, int32_t left)
{
    if (text.is_on) {
        go_on(token);
        prepare(left);
    }
}

#if GRAMMAR_HAS_SPANS
void grammar_input(const char *input, size_t bytes)
{
    span_read(input, bytes);
}

int32_t grammar_shortest(void)
{
    return (int32_t)distance_of(GRAMMAR_START);
}
#endif

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
