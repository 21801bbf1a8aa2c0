/* Tasks as threads: see README.md. Stacks are the system's. */
#include "freertos/task.h"

#include <pthread.h>
#include <stdlib.h>

enum { MOST_TASKS = 4 };

struct stand_in_task {
    pthread_mutex_t mutex;
    pthread_cond_t given;
    uint32_t notifications;
    TaskFunction_t code;
    void *argument;
};

static struct stand_in_task tasks[MOST_TASKS];
static int count;
static _Thread_local TaskHandle_t current;

static TaskHandle_t new_task(void)
{
    if (count == MOST_TASKS) {
        abort();
    }
    TaskHandle_t task = &tasks[count++];
    pthread_mutex_init(&task->mutex, NULL);
    pthread_cond_init(&task->given, NULL);
    return task;
}

static void *run(void *task)
{
    current = task;
    current->code(current->argument);
    return NULL;
}

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                           void *const argument, UBaseType_t priority, StackType_t *const stack,
                                           StaticTask_t *const task, const BaseType_t core)
{
    (void)name, (void)priority, (void)task;
    if (stack == NULL || stack_bytes == 0 || core < 0 || core >= portNUM_PROCESSORS) {
        abort();
    }
    TaskHandle_t made = new_task();
    made->code = code;
    made->argument = argument;
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, made) != 0) {
        abort();
    }
    pthread_detach(thread);
    return made;
}

/* The main thread becomes a task when it first asks. */
TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    current = current ? current : new_task();
    return current;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task)
{
    pthread_mutex_lock(&task->mutex);
    ++task->notifications;
    pthread_cond_signal(&task->given);
    pthread_mutex_unlock(&task->mutex);
    return pdTRUE;
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    TaskHandle_t task = xTaskGetCurrentTaskHandle();
    if (ticks != portMAX_DELAY) {
        abort();
    }
    pthread_mutex_lock(&task->mutex);
    while (task->notifications == 0) {
        pthread_cond_wait(&task->given, &task->mutex);
    }
    const uint32_t before = task->notifications;
    task->notifications = clear ? 0 : before - 1;
    pthread_mutex_unlock(&task->mutex);
    return before;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task)
{
    (void)task;
    return 0;
}
