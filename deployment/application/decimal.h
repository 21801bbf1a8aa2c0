/* Decimal numbers, read exactly and without float. */
#ifndef TEXTZOO_DECIMAL_H
#define TEXTZOO_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEMPERATURE_BITS = 16, MAX_TEMPERATURE = 32768 };

/* Digits only, up to `highest`. */
bool decimal_whole(const char *text, size_t bytes, uint32_t highest, uint32_t *value);

/* "0.8", "1", "5e-1": the value with 16 fraction bits, rounded half up from all digits of the text; 0 to 32768. */
bool decimal_temperature(const char *text, size_t bytes, uint32_t *value);

#endif
