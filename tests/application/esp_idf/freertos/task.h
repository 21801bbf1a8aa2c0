#ifndef STAND_IN_TASK_H
#define STAND_IN_TASK_H

#include "freertos/FreeRTOS.h"

typedef struct stand_in_task *TaskHandle_t;
typedef struct {
    void *opaque[40];
} StaticTask_t;
typedef void (*TaskFunction_t)(void *argument);

#define tskIDLE_PRIORITY ((UBaseType_t)0u)

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                           void *const argument, UBaseType_t priority, StackType_t *const stack,
                                           StaticTask_t *const task, const BaseType_t core);
void vTaskDelay(const TickType_t ticks);
void vTaskDelete(TaskHandle_t task);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task);

#endif
