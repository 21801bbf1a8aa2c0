/* Permutes a state of Keccak RUNS times. PERMUTE: the function, of SLOTHY's examples. */
#include <stdint.h>

void PERMUTE(uint64_t *state);

static uint64_t state[25];

int main(void)
{
    for (int index = 0; index < 25; ++index) {
        state[index] = 0x9E3779B97F4A7C15u * (uint64_t)(index + 1);
    }
    for (int run = 0; run < RUNS; ++run) {
        PERMUTE(state);
    }
    return 0;
}
