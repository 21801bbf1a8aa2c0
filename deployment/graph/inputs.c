#include "inputs.h"

#include "graph.h"
#include "model.h"
#include "protocol.h"

static size_t filled[MODEL_INPUTS]; /* bytes */

void inputs_forget(void)
{
    for (size_t index = 0; index < MODEL_INPUTS; ++index) {
        filled[index] = 0;
    }
}

size_t inputs_filled(size_t index)
{
    return filled[index];
}

size_t inputs_incomplete(void)
{
    size_t index = 0;
    while (index < MODEL_INPUTS && filled[index] == model_inputs[index].bytes) {
        ++index;
    }
    return index;
}

/* 0 to 15, or 16 for what is no hexadecimal digit. */
static unsigned digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (unsigned)(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return (unsigned)(digit - 'a') + 10;
    }
    return digit >= 'A' && digit <= 'F' ? (unsigned)(digit - 'A') + 10 : 16;
}

const char *inputs_store(size_t index, size_t at, const char *hex, size_t digits)
{
    for (size_t place = 0; place < digits; ++place) {
        if (digit_value(hex[place]) > 15) {
            return "the bytes are pairs of hexadecimal digits";
        }
    }
    if (digits % 2 != 0) {
        return "the bytes are pairs of hexadecimal digits";
    }
    if (at > filled[index]) {
        return PROTOCOL_OUT_OF_SEQUENCE ": bytes before `at` are missing";
    }
    if (digits / 2 > model_inputs[index].bytes - at) {
        return "more bytes than the input has";
    }
    uint8_t *bytes = (uint8_t *)model_inputs[index].data + at;
    for (size_t place = 0; place < digits; place += 2) {
        *bytes++ = (uint8_t)(digit_value(hex[place]) << 4 | digit_value(hex[place + 1]));
    }
    filled[index] = at + digits / 2;
    return NULL;
}

void inputs_fill(size_t shift)
{
    inputs_forget();
    for (size_t index = 0; index < MODEL_INPUTS; ++index) {
        const graph_pattern_t *pattern = &graph_check_inputs[index];
        uint8_t *bytes = (uint8_t *)model_inputs[index].data;
        size_t from = 0;
        for (size_t element = 0; element < shift; ++element) {
            from = from + pattern->element_bytes < pattern->count ? from + pattern->element_bytes : 0;
        }
        for (size_t place = 0; place < model_inputs[index].bytes; ++place) {
            bytes[place] = pattern->bytes[from];
            from = from + 1 < pattern->count ? from + 1 : 0;
        }
    }
}
