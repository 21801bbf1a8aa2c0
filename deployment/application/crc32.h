/* CRC-32 of IEEE 802.3 (as in zip and zlib). Without dependencies: generated code may include it. */
#ifndef TEXTZOO_CRC32_H
#define TEXTZOO_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of everything so far, continued with `bytes` bytes; begin with 0. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t bytes);

#endif
