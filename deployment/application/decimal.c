#include "decimal.h"

/* 17 decimal places determine the rounding exactly: a multiple of 2^-17 has at most 17 of them, so truncating the
 * others does not move the value past a multiple of 2^-17. */
enum { PLACES = 17, GUARD_BITS = TEMPERATURE_BITS + 1, LARGEST_EXPONENT = 1000 };
static const uint64_t ten_to_places = 100000000000000000u;

/* A number as its digits and the position of the point: 0.0125 is "00125", point 1. */
typedef struct {
    const char *text; /* (digits, and the point if digits follow it) */
    int32_t before;   /* digits written before the point */
    int32_t digits;   /* digits written in all */
    int32_t point;    /* digits before the point, the exponent applied */
} decimal_t;

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

bool decimal_whole(const char *text, size_t bytes, uint32_t highest, uint32_t *value)
{
    uint64_t sum = 0;
    for (size_t index = 0; index < bytes; ++index) {
        if (!is_digit(text[index])) {
            return false;
        }
        sum = sum * 10 + (uint32_t)(text[index] - '0');
        if (sum > highest) {
            return false;
        }
    }
    *value = (uint32_t)sum;
    return bytes > 0;
}

/* Count digits of text (bytes) from *at on; *at moves past them. */
static int32_t count_digits(const char *text, size_t bytes, size_t *at)
{
    const size_t start = *at;
    while (*at < bytes && is_digit(text[*at])) {
        ++*at;
    }
    return (int32_t)(*at - start);
}

/* Read the exponent after 'e': all of text (bytes). */
static bool read_exponent(const char *text, size_t bytes, int32_t *exponent)
{
    const bool negative = bytes > 0 && text[0] == '-';
    const size_t sign = bytes > 0 && (text[0] == '-' || text[0] == '+');
    uint32_t value;
    if (!decimal_whole(text + sign, bytes - sign, LARGEST_EXPONENT, &value)) {
        return false;
    }
    *exponent = negative ? -(int32_t)value : (int32_t)value;
    return true;
}

/* text: (bytes). False if it is not a number. */
static bool read_decimal(const char *text, size_t bytes, decimal_t *decimal)
{
    size_t at = 0;
    int32_t exponent = 0;
    decimal->text = text;
    decimal->before = count_digits(text, bytes, &at);
    decimal->digits = decimal->before;
    if (at < bytes && text[at] == '.') {
        ++at;
        decimal->digits += count_digits(text, bytes, &at);
        if (decimal->digits == decimal->before) {
            return false;
        }
    }
    if (at < bytes) {
        if ((text[at] != 'e' && text[at] != 'E') || !read_exponent(text + at + 1, bytes - at - 1, &exponent)) {
            return false;
        }
    }
    decimal->point = decimal->before + exponent;
    return decimal->before > 0;
}

/* The digit that is worth 10^place. */
static uint32_t digit_at(const decimal_t *decimal, int32_t place)
{
    const int32_t index = decimal->point - 1 - place;
    if (index < 0 || index >= decimal->digits) {
        return 0;
    }
    return (uint32_t)(decimal->text[index < decimal->before ? index : index + 1] - '0');
}

/* fraction / 10^17 in 17 binary places, rounded down: long division, one doubling per place. */
static uint32_t binary_places(uint64_t fraction)
{
    uint32_t bits = 0;
    for (int bit = 0; bit < GUARD_BITS; ++bit) {
        fraction *= 2;
        bits = bits << 1 | (fraction >= ten_to_places);
        fraction -= fraction >= ten_to_places ? ten_to_places : 0;
    }
    return bits;
}

bool decimal_temperature(const char *text, size_t bytes, uint32_t *value)
{
    decimal_t decimal;
    uint32_t whole = 0;
    uint64_t fraction = 0;
    if (!read_decimal(text, bytes, &decimal)) {
        return false;
    }
    for (int32_t place = decimal.point - 1; place >= 0 && whole <= MAX_TEMPERATURE; --place) {
        whole = whole * 10 + digit_at(&decimal, place);
    }
    for (int32_t place = -1; place >= -PLACES; --place) {
        fraction = fraction * 10 + digit_at(&decimal, place);
    }
    if (whole > MAX_TEMPERATURE || (whole == MAX_TEMPERATURE && fraction != 0)) {
        return false;
    }
    const uint64_t guarded = (uint64_t)whole << GUARD_BITS | binary_places(fraction);
    *value = (uint32_t)((guarded + 1) >> 1);
    return true;
}
