#include "utf8.h"

/* The number of bytes after a leading byte, and the range of the first of them; the others are 80..BF. The narrower
 * ranges exclude overlong forms (E0, F0), surrogates (ED) and values above 10FFFF (F4). */
typedef struct {
    int following; /* 0 if the byte is not a leading byte */
    uint8_t lowest;
    uint8_t highest;
} sequence_t;

static sequence_t sequence_of(uint8_t lead)
{
    sequence_t sequence = {0, 0x80, 0xBF};
    if (lead >= 0xC2 && lead <= 0xDF) {
        sequence.following = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        sequence.following = 2;
        sequence.lowest = lead == 0xE0 ? 0xA0 : 0x80;
        sequence.highest = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        sequence.following = 3;
        sequence.lowest = lead == 0xF0 ? 0x90 : 0x80;
        sequence.highest = lead == 0xF4 ? 0x8F : 0xBF;
    }
    return sequence;
}

uint32_t utf8_decode(const char *bytes, size_t count, size_t *at)
{
    const uint8_t lead = (uint8_t)bytes[(*at)++];
    if (lead < 0x80) {
        return lead;
    }
    sequence_t sequence = sequence_of(lead);
    if (sequence.following == 0) {
        return UTF8_REPLACEMENT;
    }
    uint32_t code_point = lead & (0x3Fu >> sequence.following);
    for (; sequence.following > 0; --sequence.following) {
        const uint8_t next = *at < count ? (uint8_t)bytes[*at] : 0;
        if (next < sequence.lowest || next > sequence.highest) {
            return UTF8_REPLACEMENT;
        }
        code_point = code_point << 6 | (next & 0x3Fu);
        sequence.lowest = 0x80;
        sequence.highest = 0xBF;
        ++*at;
    }
    return code_point;
}

size_t utf8_incomplete(const char *bytes, size_t count)
{
    for (size_t size = 1; size < UTF8_MAX_BYTES && size <= count; ++size) {
        const char *tail = bytes + count - size;
        size_t at = 0;
        if (sequence_of((uint8_t)tail[0]).following >= (int)size) {
            /* Decoding consumes the whole tail exactly if all of its bytes are valid. */
            utf8_decode(tail, size, &at);
            return at == size ? size : 0;
        }
    }
    return 0;
}

size_t utf8_encode(uint32_t code_point, char *bytes)
{
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    const size_t following = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
    for (size_t index = following; index > 0; --index) {
        bytes[index] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    bytes[0] = (char)((0xFF00u >> (following + 1) & 0xFFu) | code_point);
    return following + 1;
}
