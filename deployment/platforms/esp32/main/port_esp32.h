/* Declarations shared by the files of main/. */
#ifndef TEXTZOO_PORT_ESP32_H
#define TEXTZOO_PORT_ESP32_H

#include "board.h"
#include "freertos/FreeRTOS.h"

/* The stack of the application's task. */
extern StackType_t textzoo_stack[BOARD_STACK_BYTES / sizeof(StackType_t)];

/* Map the weights if they have their own partition. Returns an error message, or NULL. */
const char *weights_open(void);

/* Start the task on the other core; once, before the first token. Only in projects whose model uses it. */
void second_core_start(void);

#endif
