/* Time, for functions of yours in a project with deployment.on_command. */
#ifndef TEXTZOO_CLOCK_H
#define TEXTZOO_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment; begins again at 0 after 2^32 of them (49 days), so that differences are right. Of a
 * board whose clock did not start they are longer, as its clock is slower; in an emulator that counts instructions they
 * are virtual. */
uint32_t clock_milliseconds(void);

#endif
