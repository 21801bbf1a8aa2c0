/* The LED of a board with an RP2040 or an RP2350. */
#include "led.h"

#include "board.h"
#include "cortex.h"

#define SINGLE_CYCLE_IO 5u /* function of a pin: this program switches it */

/* The level first, so that the pin has it when it becomes an output. An RP2350 also isolates pads at first (bit 8). */
void board_led_set(bool on)
{
    if (on != BOARD_LED_ACTIVE_LOW) {
        BOARD_OUTPUT_SET = 1u << BOARD_LED_PIN;
    } else {
        BOARD_OUTPUT_CLEAR = 1u << BOARD_LED_PIN;
    }
    BOARD_OUTPUT_ENABLE = 1u << BOARD_LED_PIN;
    REGISTER(BOARD_PINS_BASE + 8u * BOARD_LED_PIN + 4u) = SINGLE_CYCLE_IO;
    REGISTER(BOARD_PADS_BASE + 4u * BOARD_LED_PIN + 4u) = 1u << 6 | 1u << 4; /* input, 4 mA */
}
