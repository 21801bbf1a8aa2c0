/* For boards without an LED: those that have one define the function in their own files. */
#include "led.h"

__attribute__((weak)) void board_led_set(bool on)
{
    (void)on;
}
