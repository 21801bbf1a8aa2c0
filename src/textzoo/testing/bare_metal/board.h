/* A bare Cortex-M under QEMU: host files and console through semihosting, and an exact instruction counter. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_print(const char *text);
int board_open(const char *path, int write);                         /* a handle, or -1 */
uint32_t board_read(int handle, void *bytes, uint32_t count);        /* bytes read */
uint32_t board_write(int handle, const void *bytes, uint32_t count); /* bytes written */

/* Memory for a buffer, `offset` (0 to 15) bytes after an address that is a multiple of 16. `fenced`: it ends where the
 * board's memory ends, so that reading on is a fault; one buffer at a time, and its alignment is what it happens to be.
 * Others lie between guard bytes; board_intact says whether those are unchanged. */
void *board_allocate(uint32_t bytes, uint32_t offset, int fenced);
int board_intact(void);
void board_free_all(void);

/* Instructions from the return of board_counter_start to the call of board_counter_stop, at most 10 million. */
void board_counter_start(void);
uint32_t board_counter_stop(void);

int main(void);

#endif
