/* tz_parallel on chips with two cores: a task on core 0 computes the second shard of a kernel, while the application's
 * task on core 1 computes the first one.
 *
 * Waking: a kernel takes 100 us to 1 ms, and a token of pico_gpt calls 16 of them. A notification to the other core is
 * expected to take about 10 us (FreeRTOS's lock, an interrupt, a switch of tasks): 1 or 2 % of a token. A task that
 * spins between two kernels would save that, but starve all other tasks of its core in between.
 *
 * Waiting: the second shard begins about 10 us late and so ends about as late. A caller that slept for these 10 us
 * would pay 10 us more for two switches and an interrupt, so it spins. The spinning is bounded: where the other core is
 * delayed, or where ESP-IDF was built for one core only, it sleeps after some 100 us and is notified.
 *
 * `state` decides between the two without a race: both tasks exchange it atomically, and the later one sees the earlier
 * one's value. The exchanges also order memory: what the job has written is visible when the caller sees FINISHED. RAM
 * has no cache on these chips, and both cores only read flash. Like the kernels, this code runs from RAM while weights
 * stream from flash. No watchdog waits for the idle task of a core that computes (sdkconfig.defaults). */
#include <stddef.h>

#include "esp_attr.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "port_esp32.h"
#include "textzoo/parallel.h"

enum { OTHER_CORE = 0 };      /* app_main.c runs the application on the last core */
enum { MAX_SPIN = 4096 }; /* iterations of about 6 cycles: 100 us */
enum { RUNNING, FINISHED, CALLER_SLEEPS };

static StackType_t stack[BOARD_SECOND_STACK_BYTES / sizeof(StackType_t)] __attribute__((aligned(16)));

static struct {
    TaskHandle_t worker;
    TaskHandle_t caller;
    tz_job_t job;
    const tz_shard_t *shard;
    uint32_t state;
} shared;

static void IRAM_ATTR work(void *nothing)
{
    (void)nothing;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        shared.job(shared.shard);
        if (__atomic_exchange_n(&shared.state, (uint32_t)FINISHED, __ATOMIC_ACQ_REL) == CALLER_SLEEPS) {
            xTaskNotifyGive(shared.caller);
        }
    }
}

void second_core_start(void)
{
    static StaticTask_t task;
    shared.worker = xTaskCreateStaticPinnedToCore(work, "textzoo_second", BOARD_SECOND_STACK_BYTES, NULL,
                                                  tskIDLE_PRIORITY + 1, stack, &task, OTHER_CORE);
}

static void IRAM_ATTR wait_for_the_other(void)
{
    for (int32_t iteration = 0; iteration < MAX_SPIN; ++iteration) {
        if (__atomic_load_n(&shared.state, __ATOMIC_ACQUIRE) == FINISHED) {
            return;
        }
    }
    if (__atomic_exchange_n(&shared.state, (uint32_t)CALLER_SLEEPS, __ATOMIC_ACQ_REL) != FINISHED) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
}

void IRAM_ATTR tz_parallel(tz_job_t job, const tz_shard_t *first, const tz_shard_t *second)
{
    shared.caller = xTaskGetCurrentTaskHandle();
    shared.job = job;
    shared.shard = second;
    __atomic_store_n(&shared.state, (uint32_t)RUNNING, __ATOMIC_RELEASE);
    xTaskNotifyGive(shared.worker);
    job(first);
    wait_for_the_other();
}

uint32_t tz_parallel_stack_used(void)
{
    return BOARD_SECOND_STACK_BYTES - (uint32_t)uxTaskGetStackHighWaterMark(shared.worker) * sizeof(StackType_t);
}

uint32_t tz_parallel_stack_reserved(void)
{
    return BOARD_SECOND_STACK_BYTES;
}
