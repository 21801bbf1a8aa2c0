/* Runs a compiled model as a program of its own: reads the inputs of one run after the other, writes the outputs.
 * Its argument is the number of runs: a model may have no inputs at all. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#ifdef TEXTZOO_TASKS
void second_core_start(void);
#endif

int main(int count, char **arguments)
{
#ifdef TEXTZOO_TASKS
    second_core_start();
#endif
    model_reset();
    for (int runs = count > 1 ? atoi(arguments[1]) : 0; runs > 0; --runs) {
        for (const model_tensor_t *input = model_inputs; input->name; ++input) {
            if (fread(input->data, 1, input->bytes, stdin) != input->bytes) {
                return 1;
            }
        }
        model_run();
        for (const model_tensor_t *output = model_outputs; output->name; ++output) {
            fwrite(output->data, 1, output->bytes, stdout);
        }
    }
    return 0;
}
