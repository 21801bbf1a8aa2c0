/* board.h on a PC: files from the C library, every buffer its own allocation so that sanitizers see its ends, and no
 * counter. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *files[8];
static void *allocations[16];
static int allocation_count;

void board_print(const char *text)
{
    fputs(text, stdout);
}

int board_open(const char *path, int write)
{
    for (int handle = 0; handle < 8; ++handle) {
        if (!files[handle]) {
            files[handle] = fopen(path, write ? "wb" : "rb");
            return files[handle] ? handle : -1;
        }
    }
    return -1;
}

uint32_t board_read(int handle, void *bytes, uint32_t count)
{
    return (uint32_t)fread(bytes, 1, count, files[handle]);
}

uint32_t board_write(int handle, const void *bytes, uint32_t count)
{
    return (uint32_t)fwrite(bytes, 1, count, files[handle]);
}

void *board_allocate(uint32_t bytes, uint32_t offset, int fenced)
{
    void *memory = NULL;
    (void)fenced;
    if (posix_memalign(&memory, 64, offset + bytes + !bytes)) {
        abort();
    }
    allocations[allocation_count++] = memory;
    return (uint8_t *)memory + offset;
}

int board_intact(void)
{
    return 1; /* the sanitizers guard */
}

void board_free_all(void)
{
    while (allocation_count) {
        free(allocations[--allocation_count]);
    }
}

void board_counter_start(void)
{
}

uint32_t board_counter_stop(void)
{
    return 0;
}
