/* The model's constants as a file of their own (weights.bin) that lies somewhere in memory, for boards where weights
 * are flashed alone. Only with -DTEXTZOO_WEIGHTS_MAPPED; elsewhere the constants are part of the program.
 *
 *   offset  bytes
 *        0      4  "TZW1"
 *        4      4  bytes behind the header
 *        8      4  CRC-32 (IEEE) over them
 *       12      4  0
 *       16     32  the first characters of MODEL_HASH
 *       48         the constants in the order of weights.c, each filled up to a multiple of 16 bytes
 *
 * Numbers are little endian; the file lies at a multiple of 16 bytes. */
#ifndef TEXTZOO_WEIGHTS_IMAGE_H
#define TEXTZOO_WEIGHTS_IMAGE_H

#include <stdint.h>

/* What lies behind the header; nothing of the model may be called before weights_image_use has been content. */
extern const uint8_t *weights_image;

/* Take the file at `file`, of which `bytes` bytes can be read. Returns what is wrong with it, or NULL. */
const char *weights_image_use(const void *file, uint32_t bytes);

#endif
