/* The model's constants as a separate file (weights.bin) in memory, for boards whose weights are flashed separately.
 * Only with -DTEXTZOO_WEIGHTS_MAPPED; otherwise the constants are part of the program.
 *
 *   offset  bytes
 *        0      4  "TZW1"
 *        4      4  bytes after the header
 *        8      4  CRC-32 (IEEE) over them
 *       12      4  0
 *       16     32  the first characters of MODEL_HASH
 *       48         the constants in the order of weights.c, each padded to a multiple of 16 bytes
 *
 * Numbers are little endian; the file is aligned to 16 bytes. */
#ifndef TEXTZOO_WEIGHTS_IMAGE_H
#define TEXTZOO_WEIGHTS_IMAGE_H

#include <stdint.h>

/* The constants after the header; the model must not be called before weights_image_use has returned NULL. */
extern const uint8_t *weights_image;

/* Use the file at `file`, of which `bytes` bytes can be read. Returns what is wrong with it, or NULL. */
const char *weights_image_use(const void *file, uint32_t bytes);

#endif
