/* The UART of nRF52 chips (product specification, "UART"), without DMA. */
#include "serial.h"

#include "board.h"
#include "cortex.h"
#include "input.h"

#define UART(offset) REGISTER(0x40002000u + (offset))
#define UART_START_RECEIVING UART(0x000u)
#define UART_START_SENDING UART(0x008u)
#define UART_RECEIVED UART(0x108u)
#define UART_SENT UART(0x11Cu)
#define UART_FAILED UART(0x124u)
#define UART_INTERRUPTS UART(0x304u)
#define UART_FAILURE UART(0x480u)
#define UART_ENABLE UART(0x500u)
#define UART_TX_PIN UART(0x50Cu)
#define UART_RX_PIN UART(0x514u)
#define UART_RECEIVE UART(0x518u)
#define UART_SEND UART(0x51Cu)
#define UART_RATE UART(0x524u)
/* Settings of a pin; port 1 has its own registers. */
#define PIN(number) REGISTER(0x50000700u + (number) / 32u * 0x300u + (number) % 32u * 4u)
#define LEVEL_HIGH(number) REGISTER(0x50000508u + (number) / 32u * 0x300u)

static bool is_sending;

void serial_start(uint32_t clock_hz)
{
    (void)clock_hz; /* BOARD_RATE is for the one that there is */
    LEVEL_HIGH(BOARD_TX_PIN) = 1u << BOARD_TX_PIN % 32u;
    PIN(BOARD_TX_PIN) = 3u;      /* output */
    PIN(BOARD_RX_PIN) = 3u << 2; /* input, pull up */
    UART_TX_PIN = BOARD_TX_PIN;
    UART_RX_PIN = BOARD_RX_PIN;
    UART_RATE = BOARD_RATE;
    UART_ENABLE = 4u;
    UART_INTERRUPTS = 1u << 2 | 1u << 9; /* received, failed */
    UART_START_RECEIVING = 1;
    UART_START_SENDING = 1;
    cortex_enable_interrupt(BOARD_USART_INTERRUPT);
}

void board_usart_interrupt(void)
{
    if (UART_FAILED) { /* a byte was lost */
        UART_FAILED = 0;
        UART_FAILURE = UART_FAILURE;
    }
    while (UART_RECEIVED) { /* again for each of the up to 6 bytes that the UART holds */
        UART_RECEIVED = 0;
        input_put((uint8_t)UART_RECEIVE);
    }
    (void)UART_RECEIVED; /* read back: the cleared events have to arrive before the interrupt ends */
}

/* The UART says when a byte has been sent, not that there is room for the first one. */
void serial_send(char character)
{
    while (is_sending && !UART_SENT) {
    }
    UART_SENT = 0;
    is_sending = true;
    UART_SEND = (uint8_t)character;
}
