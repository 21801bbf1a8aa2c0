/* The board's LED: `led` in its YAML. */
#ifndef TEXTZOO_LED_H
#define TEXTZOO_LED_H

#include <stdbool.h>

/* Switch it; the first call makes its pin an output. Does nothing where the YAML names no LED, and in emulated boards that
 * are another machine (twins). */
void board_led_set(bool on);

#endif
