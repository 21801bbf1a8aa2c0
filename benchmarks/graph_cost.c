/* Runs a compiled model on an emulated core and counts the instructions of every step. cases.bin: the number of runs, then
 * the bytes of all inputs of each run. results.bin: the bytes of all outputs of each run; counts.bin: of each run, the
 * instructions of each step (uint32); UINT32_MAX where the counter was too short for them. */
#include "board.h"
#include "model.h"

/* Of Cortex-M's SysTick, with which board.c counts: it has come to 0 since it was started. */
#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define COUNTER_ENDED (1u << 16)

static int counts;

void textzoo_profile_mark(int index)
{
    const uint32_t counted = board_counter_stop();
    const uint32_t count = SYSTICK_CONTROL & COUNTER_ENDED ? UINT32_MAX : counted;
    (void)index;
    board_write(counts, &count, sizeof count);
    board_counter_start();
}

int main(void)
{
    const int cases = board_open("cases.bin", 0), results = board_open("results.bin", 1);
    int32_t runs = 0;
    counts = board_open("counts.bin", 1);
    board_read(cases, &runs, sizeof runs);
    model_reset();
    for (; runs > 0; --runs) {
        for (const model_tensor_t *input = model_inputs; input->name; ++input) {
            board_read(cases, input->data, (uint32_t)input->bytes);
        }
        board_counter_start();
        model_run();
        board_counter_stop();
        for (const model_tensor_t *output = model_outputs; output->name; ++output) {
            board_write(results, output->data, (uint32_t)output->bytes);
        }
    }
    return 0;
}
