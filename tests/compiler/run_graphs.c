/* Runs compiled models: cases.bin holds, for each case, the model's number, how many steps there are, and for each step
 * whether the model is reset before it and the bytes of all inputs. results.bin gets the bytes of all outputs and states
 * after each step, and at the end of a case whether the constants are unchanged. */
#include "run_graphs.h"

#include "board.h"

#ifdef TEXTZOO_PROFILE
void textzoo_profile_mark(int index);

void textzoo_profile_mark(int index)
{
    (void)index;
}
#endif

static void read_all(int file, const textzoo_tensor_t *tensors)
{
    for (const textzoo_tensor_t *tensor = tensors; tensor->name; ++tensor) {
        board_read(file, tensor->data, (uint32_t)tensor->bytes);
    }
}

static void write_all(int file, const textzoo_tensor_t *tensors)
{
    for (const textzoo_tensor_t *tensor = tensors; tensor->name; ++tensor) {
        board_write(file, tensor->data, (uint32_t)tensor->bytes);
    }
}

static void run_step(const textzoo_graph_t *graph, int cases, int results)
{
    int32_t forgets = 0;
    board_read(cases, &forgets, sizeof forgets);
    if (forgets) {
        graph->reset();
    }
    graph->spoil();
    read_all(cases, graph->inputs);
    graph->run();
    write_all(results, graph->outputs);
    write_all(results, graph->states);
}

int main(void)
{
    const int cases = board_open("cases.bin", 0);
    const int results = board_open("results.bin", 1);
    int32_t header[2]; /* model, steps */
    while (board_read(cases, header, sizeof header) == sizeof header) {
        const textzoo_graph_t *graph = textzoo_graphs[header[0]];
        graph->reset();
        for (int32_t step = 0; step < header[1]; ++step) {
            run_step(graph, cases, results);
        }
        const int32_t sound = graph->sound();
        board_write(results, &sound, sizeof sound);
    }
    return 0;
}
