/* What the boot ROM of an RP2350 looks for in the first 4 KB of an image (datasheet, 5.9 "Metadata block details"): a
 * block that says that this is a program for its Arm cores in secure state. Without further items the program begins
 * with its vectors, at the image's first byte. The boot ROM has set up the reading of the flash by then. */
#include <stdint.h>

#include "board.h"

#define BLOCK_BEGIN 0xFFFFDED3u
#define IMAGE_TYPE 0x42u                              /* item of one word; its value in the upper half */
#define PROGRAM (1u << 0 | 2u << 4 | 0u << 8 | 1u << 12) /* executable, secure, Arm, RP2350 */
#define LAST_ITEM 0xFFu                               /* its words before this one in the next 16 bits */
#define BLOCK_END 0xAB123579u

__attribute__((section(".image_definition"), used)) static const uint32_t image_definition[5] = {
    BLOCK_BEGIN, PROGRAM << 16 | 1u << 8 | IMAGE_TYPE, 1u << 8 | LAST_ITEM, 0 /* the next block is this one */, BLOCK_END,
};
