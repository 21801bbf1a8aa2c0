/* Runs the console application in a separate task, whose stack use it can measure. */
#include <stdio.h>

#include "board.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "model.h"
#include "port_esp32.h"

int textzoo_main(void); /* main() of application/main.c */

StackType_t textzoo_stack[BOARD_STACK_BYTES / sizeof(StackType_t)] __attribute__((aligned(16)));

static void run(void *nothing)
{
    (void)nothing;
    textzoo_main();
    vTaskDelete(NULL);
}

void app_main(void)
{
    static StaticTask_t task;
    const char *wrong = weights_open();
    if (wrong != NULL) {
        printf("TextZoo: %s: flash the weights (make flash-weights)\n", wrong);
        return;
    }
#ifdef MODEL_SECOND_CORE
    second_core_start();
#endif
    /* The last core: on chips with two of them ESP-IDF's tasks run on the first. */
    xTaskCreateStaticPinnedToCore(run, "textzoo", BOARD_STACK_BYTES, NULL, tskIDLE_PRIORITY + 1, textzoo_stack, &task,
                                  portNUM_PROCESSORS - 1);
}
