/* The UARTs of RP2040 and RP2350: Arm's PrimeCell PL011 (DDI 0183). */
#include "serial.h"

#include "board.h"
#include "cortex.h"
#include "input.h"

enum { UART_DATA = 0x00, UART_FLAGS = 0x18, UART_WHOLE = 0x24, UART_PART = 0x28, UART_LINE = 0x2C };
enum { UART_CONTROL = 0x30, UART_INTERRUPTS = 0x38, UART_CLEAR = 0x44 };
#define UART(offset) REGISTER(BOARD_USART_BASE + (uint32_t)(offset))
#define UART_NOTHING (1u << 4)
#define UART_FULL (1u << 5)
#define UART_ARRIVAL (1u << 4 | 1u << 6) /* the FIFO is half full, or nothing more has come for a while */

/* Connect a pin to its UART: function 2. An RP2350 also isolates pads at first (bit 8). */
static void connect_pin(uint32_t pin)
{
    REGISTER(BOARD_PINS_BASE + 8u * pin + 4u) = 2u;
    REGISTER(BOARD_PADS_BASE + 4u * pin + 4u) = 1u << 6 | 1u << 4 | 1u << 3 | 1u << 1; /* input, 4 mA, pull up, Schmitt */
}

void serial_start(uint32_t clock_hz)
{
    const uint32_t divider = (4u * clock_hz + BOARD_BAUD / 2u) / BOARD_BAUD; /* with 6 fraction bits */
    UART(UART_WHOLE) = divider >> 6;
    UART(UART_PART) = divider & 63u;
    UART(UART_LINE) = 3u << 5 | 1u << 4; /* 8 bits, FIFOs */
    UART(UART_CONTROL) = 1u << 9 | 1u << 8 | 1u;
    UART(UART_INTERRUPTS) = UART_ARRIVAL;
    connect_pin(BOARD_TX_PIN);
    connect_pin(BOARD_RX_PIN);
    cortex_enable_interrupt(BOARD_USART_INTERRUPT);
}

void board_usart_interrupt(void)
{
    UART(UART_CLEAR) = UART_ARRIVAL;
    while (!(UART(UART_FLAGS) & UART_NOTHING)) {
        input_put((uint8_t)UART(UART_DATA));
    }
}

void serial_send(char character)
{
    while (UART(UART_FLAGS) & UART_FULL) {
    }
    UART(UART_DATA) = (uint8_t)character;
}
