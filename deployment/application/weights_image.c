#include "weights_image.h"

#ifdef TEXTZOO_WEIGHTS_MAPPED
#include <stdbool.h>
#include <stddef.h>

#include "crc32.h"
#include "model.h"

/* Offsets of the header's fields, see weights_image.h. */
enum { MAGIC = 0, PAYLOAD_BYTES = 4, CHECKSUM = 8, HASH = 16, HEADER_BYTES = 48, ALIGNMENT = 16 };

const uint8_t *weights_image;

/* bytes: (4), little endian on any machine. */
static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* bytes, text: (count). */
static bool same(const uint8_t *bytes, const char *text, int count)
{
    for (int index = 0; index < count; ++index) {
        if (bytes[index] != (uint8_t)text[index]) {
            return false;
        }
    }
    return true;
}

const char *weights_image_use(const void *file, uint32_t bytes)
{
    const uint8_t *image = file;
    if (bytes < HEADER_BYTES || (uintptr_t)image % ALIGNMENT != 0 || !same(image + MAGIC, "TZW1", 4)) {
        return "no weights.bin lies where the weights should be";
    }
    if (!same(image + HASH, MODEL_HASH, HEADER_BYTES - HASH)) {
        return "the weights are those of another model";
    }
    const uint32_t payload = MODEL_WEIGHTS_IMAGE_BYTES - HEADER_BYTES;
    if (number_at(image + PAYLOAD_BYTES) != payload || bytes - HEADER_BYTES < payload) {
        return "weights.bin is not as long as the model's";
    }
    if (crc32_update(0, image + HEADER_BYTES, payload) != number_at(image + CHECKSUM)) {
        return "the weights are damaged";
    }
    weights_image = image + HEADER_BYTES;
    return NULL;
}
#endif
