/* board.h on a PC: files from the C library, every buffer its own allocation so that sanitizers see its ends, and no
 * counter. In WebAssembly, which has no sanitizers, bytes around each buffer guard it. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__wasm__)
enum { GUARD = 64 };
#else
enum { GUARD = 0 };
#endif
enum { PAINT = 0xA5 };

static FILE *files[8];
static void *allocations[16];
static uint32_t starts[16], ends[16]; /* of the buffers in their allocations */
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
    const uint32_t start = GUARD + offset, end = start + bytes;
    if (posix_memalign(&memory, 64, end + GUARD + !bytes)) {
        abort();
    }
    memset(memory, PAINT, GUARD > 0 ? end + GUARD : 0);
    starts[allocation_count] = start;
    ends[allocation_count] = end;
    allocations[allocation_count++] = memory;
    return (uint8_t *)memory + start;
}

static int is_painted(const uint8_t *bytes, uint32_t count)
{
    while (count > 0 && bytes[count - 1] == PAINT) {
        --count;
    }
    return count == 0;
}

int board_intact(void)
{
    int intact = 1;
    for (int i = 0; GUARD > 0 && i < allocation_count; ++i) {
        const uint8_t *const bytes = allocations[i];
        intact = intact && is_painted(bytes, starts[i]) && is_painted(bytes + ends[i], GUARD);
    }
    return intact;
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
