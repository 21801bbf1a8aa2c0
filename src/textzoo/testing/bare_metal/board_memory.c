/* Memory for buffers between guard bytes, or at the end of RAM. See board.h. */
#include "board.h"

enum { MAXIMUM_BUFFERS = 16, GUARD = 0xA5, GUARD_BYTES = 32 };

extern uint8_t arena_start[], arena_end[]; /* what the program does not use */

static struct {
    uint8_t *start, *end; /* of guard bytes */
} guards[2 * MAXIMUM_BUFFERS];
static int guard_count;
static uint8_t *next_free = arena_start;

static void guard_until(uint8_t *end)
{
    guards[guard_count].start = next_free;
    guards[guard_count++].end = end;
    while (next_free < end) {
        *next_free++ = GUARD;
    }
}

void *board_allocate(uint32_t bytes, uint32_t offset, int fenced)
{
    if (fenced) {
        return arena_end - bytes;
    }
    guard_until((uint8_t *)(((uint32_t)next_free + 15u) & ~15u) + offset);
    uint8_t *const buffer = next_free;
    next_free += bytes;
    guard_until(next_free + GUARD_BYTES);
    return buffer;
}

int board_intact(void)
{
    int intact = 1;
    for (int index = 0; index < guard_count; ++index) {
        for (const uint8_t *byte = guards[index].start; byte < guards[index].end; ++byte) {
            intact &= *byte == GUARD;
        }
    }
    return intact;
}

void board_free_all(void)
{
    guard_count = 0;
    next_free = arena_start;
}
