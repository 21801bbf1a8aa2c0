/* The LED of a board with an STM32. */
#include "led.h"

#include "board.h"
#include "cortex.h"

enum { GPIO_MODER = 0x00, GPIO_BSRR = 0x18 };
#define GPIO(offset) REGISTER(BOARD_LED_GPIO + (uint32_t)(offset))

/* The level first, so that the pin has it when it becomes an output. */
void board_led_set(bool on)
{
    const bool is_high = on != BOARD_LED_ACTIVE_LOW;
    GPIO(GPIO_BSRR) = 1u << (is_high ? BOARD_LED_PIN : BOARD_LED_PIN + 16u);
    GPIO(GPIO_MODER) = (GPIO(GPIO_MODER) & ~(3u << 2u * BOARD_LED_PIN)) | 1u << 2u * BOARD_LED_PIN;
}
