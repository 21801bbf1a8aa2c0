/* Runs a compiled model as a program of its own: reads the inputs of one run after the other, writes the outputs. */
#include <stdio.h>

#include "model.h"
#ifdef TEXTZOO_TASKS
void second_core_start(void);
#endif

int main(void)
{
#ifdef TEXTZOO_TASKS
    second_core_start();
#endif
    model_reset();
    for (;;) {
        for (const model_tensor_t *input = model_inputs; input->name; ++input) {
            if (fread(input->data, 1, input->bytes, stdin) != input->bytes) {
                return 0;
            }
        }
        model_run();
        for (const model_tensor_t *output = model_outputs; output->name; ++output) {
            fwrite(output->data, 1, output->bytes, stdout);
        }
    }
}
