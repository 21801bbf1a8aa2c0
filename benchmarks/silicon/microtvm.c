/* Runs a network that microTVM generated RUNS times, on random inputs; its buffers come from TVM's stack of memory. */
#include <stdint.h>
#include <tvm/runtime/c_backend_api.h>
#include <tvm/runtime/crt/platform.h>
#include <tvm/runtime/crt/stack_allocator.h>

#include "tvmgen_default.h"

enum { WORKSPACE_BYTES = 128 << 10, OUTPUT_FLOATS = 640 };

static uint8_t workspace[WORKSPACE_BYTES] __attribute__((aligned(16)));
static tvm_workspace_t memory;
static INPUT_TYPE input[INPUT_ELEMENTS] __attribute__((aligned(16)));
static float output[OUTPUT_FLOATS]; /* the largest; others write bytes */

void *TVMBackendAllocWorkspace(int type, int device, uint64_t bytes, int code, int bits)
{
    (void)type, (void)device, (void)code, (void)bits;
    void *found = NULL;
    return StackMemoryManager_Allocate(&memory, (int32_t)bytes, &found) == kTvmErrorNoError ? found : NULL;
}

int TVMBackendFreeWorkspace(int type, int device, void *where)
{
    (void)type, (void)device;
    return StackMemoryManager_Free(&memory, where) == kTvmErrorNoError ? 0 : -1;
}

void __attribute__((noreturn)) TVMPlatformAbort(tvm_crt_error_t error)
{
    (void)error;
    __builtin_trap();
}

/* The networks have one input and one output, whose names differ: a structure of one pointer each. */
static int run_network(void)
{
    void *first_input = input, *first_output = output;
    return tvmgen_default_run((struct tvmgen_default_inputs *)&first_input,
                              (struct tvmgen_default_outputs *)&first_output);
}

int main(void)
{
    uint32_t state = 1;
    StackMemoryManager_Init(&memory, workspace, sizeof workspace);
    for (int run = 0; run < RUNS; ++run) {
        for (unsigned index = 0; index < INPUT_ELEMENTS; ++index) {
            state = state * 1664525u + 1013904223u;
            input[index] = (INPUT_TYPE)(int8_t)(state >> 24);
        }
        if (run_network() != 0) {
            return 1;
        }
    }
    return 0;
}
