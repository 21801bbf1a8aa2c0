/* The USARTs of STM32 chips. */
#include "serial.h"

#include "board.h"
#include "cortex.h"
#include "input.h"

/* Register offsets of a GPIO port. */
enum { GPIO_MODER = 0x00, GPIO_OSPEEDR = 0x08, GPIO_PUPDR = 0x0C, GPIO_AFRL = 0x20 };

#if BOARD_USART_GENERATION == 1 /* STM32F4: one data register */
enum { USART_STATUS = 0x00, USART_RECEIVE = 0x04, USART_SEND = 0x04, USART_BRR = 0x08, USART_CR1 = 0x0C };
#define USART_SETTINGS (1u << 5 | 1u << 3 | 1u << 2) /* RXNEIE, TE, RE */
#define USART_RUN (1u << 13)
#else
enum { USART_STATUS = 0x1C, USART_RECEIVE = 0x24, USART_SEND = 0x28, USART_BRR = 0x0C, USART_CR1 = 0x00 };
enum { USART_ICR = 0x20 };
#if BOARD_USART_GENERATION == 2 /* STM32L4 */
#define USART_SETTINGS (1u << 5 | 1u << 3 | 1u << 2) /* RXNEIE, TE, RE */
#else /* STM32G4, H7, N6, U5 */
#define USART_SETTINGS (1u << 29 | 1u << 5 | 1u << 3 | 1u << 2) /* FIFOEN, RXNEIE, TE, RE */
#endif
#define USART_RUN (1u << 0)
#endif
#define USART_RECEIVED (1u << 5)
#define USART_OVERRUN (1u << 3)
#define USART_ROOM (1u << 7)
#define USART(offset) REGISTER(BOARD_USART_BASE + (uint32_t)(offset))

static void connect_pin(uint32_t gpio, uint32_t pin, uint32_t function)
{
    const uint32_t two = pin * 2;
    const uint32_t alternate = gpio + GPIO_AFRL + pin / 8 * 4;
    const uint32_t four = pin % 8 * 4;
    REGISTER(alternate) = (REGISTER(alternate) & ~(15u << four)) | function << four;
    REGISTER(gpio + GPIO_OSPEEDR) |= 2u << two;
    REGISTER(gpio + GPIO_PUPDR) = (REGISTER(gpio + GPIO_PUPDR) & ~(3u << two)) | 1u << two;
    REGISTER(gpio + GPIO_MODER) = (REGISTER(gpio + GPIO_MODER) & ~(3u << two)) | 2u << two;
}

void serial_start(uint32_t clock_hz)
{
    connect_pin(BOARD_TX_GPIO, BOARD_TX_PIN, BOARD_TX_FUNCTION);
    connect_pin(BOARD_RX_GPIO, BOARD_RX_PIN, BOARD_RX_FUNCTION);
    USART(USART_BRR) = (clock_hz + BOARD_BAUD / 2) / BOARD_BAUD;
    USART(USART_CR1) = USART_SETTINGS; /* first, because the FIFO cannot be changed while the USART runs */
    USART(USART_CR1) = USART_SETTINGS | USART_RUN;
    cortex_enable_interrupt(BOARD_USART_INTERRUPT);
}

/* Also while a token is computed: without this the USART of an STM32F4 would keep one byte of all that arrive then. */
void board_usart_interrupt(void)
{
    const uint32_t status = USART(USART_STATUS);
#if BOARD_USART_GENERATION >= 2
    if (status & USART_OVERRUN) {
        USART(USART_ICR) = USART_OVERRUN; /* a byte was lost; without this none would be received again */
    }
    if (!(status & USART_RECEIVED)) {
        return;
    }
#endif
    const uint32_t byte = USART(USART_RECEIVE); /* on an STM32F4 this also ends an overrun */
    if (status & USART_RECEIVED) {
        input_put((uint8_t)byte);
    }
}

void serial_send(char character)
{
    while (!(USART(USART_STATUS) & USART_ROOM)) {
    }
    USART(USART_SEND) = (uint8_t)character;
}
