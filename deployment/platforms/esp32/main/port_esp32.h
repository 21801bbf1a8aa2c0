/* What the files of main/ share. */
#ifndef TEXTZOO_PORT_ESP32_H
#define TEXTZOO_PORT_ESP32_H

#include "board.h"
#include "freertos/FreeRTOS.h"

/* Of the application's task. */
extern StackType_t textzoo_stack[BOARD_STACK_BYTES / sizeof(StackType_t)];

/* Map the weights where they are in a partition of their own. Returns what is wrong, or NULL. */
const char *weights_open(void);

/* Start the task on the other core; once, before the first token. Only in projects whose model uses it. */
void second_core_start(void);

#endif
