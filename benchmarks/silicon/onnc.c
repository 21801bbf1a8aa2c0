/* Runs a network that ONNC generated RUNS times, on random inputs. */
#include <stddef.h>
#include <stdint.h>

#include "onnc_main.h"

static char heap[1 << 16]; /* one network asks for a buffer */
static size_t used;

void *_sbrk(ptrdiff_t bytes)
{
    void *start = heap + used;
    used += (size_t)bytes;
    return start;
}

int main(void)
{
    uint32_t state = 1;
    for (int run = 0; run < RUNS; ++run) {
        const struct onnc_input_tensor_t input = onnc_get_input_tensor();
        for (size_t index = 0; index < input.size; ++index) {
            state = state * 1664525u + 1013904223u;
            input.data[index] = (int8_t)(state >> 24);
        }
        onnc_main();
    }
    return used > sizeof heap;
}
