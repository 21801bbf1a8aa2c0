/* ESP32: UART0 through ESP-IDF's driver, and the cycle counter of the core that runs the application. */
#include "port_esp32.h"

#ifdef BOARD_LED_PIN
#include "driver/gpio.h"
#include "led.h"
#endif
#include "driver/uart.h"
#include "esp_cpu.h"
#include "esp_random.h"
#include "esp_system.h"
#include "port.h"

enum { RECEIVE_BYTES = 1024, BRIEFLY_MILLISECONDS = 20 };
/* ESP-IDF keeps a pattern in the stack's last bytes, by which it detects an overflow. */
enum { PATTERN_BYTES = 64 }; /* more than the pattern has; a multiple of a word */
#define UART UART_NUM_0

static struct {
    uint64_t total;
    uint32_t previous;
} counter;

static int waited_for = PORT_NOTHING; /* the byte that port_wait received */

uint32_t port_boot(void)
{
    return esp_random();
}

void port_init(void)
{
    const uart_config_t settings = {
        .baud_rate = BOARD_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(UART, RECEIVE_BYTES, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(UART, &settings));
    ESP_ERROR_CHECK(uart_set_pin(UART, BOARD_TX_PIN, BOARD_RX_PIN, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
    counter.previous = (uint32_t)esp_cpu_get_cycle_count();
}

/* The driver's interrupt stores what arrives during an answer. */
int port_poll(void)
{
    uint8_t byte = 0;
    if (waited_for >= 0) {
        byte = (uint8_t)waited_for;
        waited_for = PORT_NOTHING;
        return byte;
    }
    return uart_read_bytes(UART, &byte, 1, 0) == 1 ? byte : PORT_NOTHING;
}

static inline void wait_for(TickType_t ticks)
{
    uint8_t byte = 0;
    if (uart_read_bytes(UART, &byte, 1, ticks) == 1) {
        waited_for = byte;
    }
}

void port_wait(void)
{
    wait_for(portMAX_DELAY);
}

void port_wait_briefly(void)
{
    wait_for(pdMS_TO_TICKS(BRIEFLY_MILLISECONDS));
}

void port_put(char character)
{
    if (character == '\n') {
        uart_write_bytes(UART, "\r", 1); /* terminals on a serial line need \r\n */
    }
    uart_write_bytes(UART, &character, 1);
}

void port_flush(void)
{
}

bool port_echoes(void)
{
    return true;
}

uint64_t port_counter(void)
{
    const uint32_t now = (uint32_t)esp_cpu_get_cycle_count();
    counter.total += now - counter.previous;
    counter.previous = now;
    return counter.total;
}

const char *port_counter_name(void)
{
    return "cycles";
}

uint32_t *port_stack_bottom(void)
{
    return (uint32_t *)(void *)((uint8_t *)textzoo_stack + PATTERN_BYTES);
}

uint32_t *port_stack_top(void)
{
    return (uint32_t *)(void *)((uint8_t *)textzoo_stack + BOARD_STACK_BYTES);
}

#ifdef BOARD_LED_PIN
void board_led_set(bool on)
{
    static bool is_output;
    if (!is_output) {
        is_output = true;
        gpio_reset_pin(BOARD_LED_PIN);
        gpio_set_direction(BOARD_LED_PIN, GPIO_MODE_OUTPUT);
    }
    gpio_set_level(BOARD_LED_PIN, on != BOARD_LED_ACTIVE_LOW);
}
#endif

void port_exit(int status)
{
    (void)status;
    uart_wait_tx_done(UART, portMAX_DELAY);
    esp_restart();
}
