/* The LED of a board with an nRF52. */
#include "led.h"

#include "board.h"
#include "cortex.h"

/* Registers of a pin; port 1 has its own. */
#define PORT(number, offset) REGISTER(0x50000000u + (number) / 32u * 0x300u + (offset))
#define LEVEL_HIGH(number) PORT(number, 0x508u)
#define LEVEL_LOW(number) PORT(number, 0x50Cu)
#define SETTINGS(number) PORT(number, 0x700u + (number) % 32u * 4u)
#define OUTPUT 3u

/* The level first, so that the pin has it when it becomes an output. */
static void set(uint32_t pin, bool is_high)
{
    if (is_high) {
        LEVEL_HIGH(pin) = 1u << pin % 32u;
    } else {
        LEVEL_LOW(pin) = 1u << pin % 32u;
    }
    SETTINGS(pin) = OUTPUT;
}

void board_led_set(bool on)
{
    set(BOARD_LED_PIN, on != BOARD_LED_ACTIVE_LOW);
#ifdef BOARD_LED_GROUND
    set(BOARD_LED_GROUND, false);
#endif
}
