/* The HAL on the accelerator: A SKELETON, UNTESTED ON SILICON. It shows where the hardware's driver goes, and is built
 * only with HAL=registers. pico_gpt/cimv3_registers.h defines the registers; none of their addresses is known yet. As
 * long as one of them is missing no register is accessed, all output rows are 0, and the program's self-check fails.
 *
 * Assumed, and to be checked against the manual:
 *   - the host core and the accelerator see the same memory at the same addresses, without a cache in between;
 *   - a mode is one unit of work: select, give addresses, start, wait;
 *   - PIPE and PARL include the residual sums;
 *   - its requantization, softmax and LayerNorm round as model_data.h says. Where they do not, the logits differ from
 *     LiteRT's, and the self-check fails. */
#include "pico_gpt/cimv3_registers.h"
#include "pico_gpt/hal.h"

namespace pico_gpt::hal {
namespace {

using namespace pico_gpt::registers;

uint32_t address_of(const void *pointer)
{
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pointer));
}

volatile uint32_t &at(uint32_t offset)
{
    return *reinterpret_cast<volatile uint32_t *>(static_cast<uintptr_t>(kBase + offset));
}

void run(uint32_t mode, int32_t unit, const int8_t *x, int8_t *y)
{
    if (!filled_in()) {
        for (int32_t i = 0; i < kWidth; ++i) {
            y[i] = 0;
        }
        return;
    }
    at(kMode) = mode;
    at(kUnit) = static_cast<uint32_t>(unit);
    at(kInput) = address_of(x);
    at(kOutput) = address_of(y);
    at(kStart) = kGo;
    while ((at(kStatus) & kDone) == 0) {
    }
}

}  // namespace

void load()
{
    /* TO BE WRITTEN: load the matrices, scales, tables and gains of `blocks` and `norms` into the accelerator. */
}

void pipe(int32_t block, int32_t position, Cache &cache, const int8_t *x, int8_t *y)
{
    if (filled_in()) {
        at(kPosition) = static_cast<uint32_t>(position);
        at(kKeys) = address_of(cache.keys);
        at(kValues) = address_of(cache.values);
    }
    run(kPipe, block, x, y);
}

void parl(int32_t block, const int8_t *x, int8_t *y)
{
    run(kParl, block, x, y);
}

void layer_norm(int32_t norm, const int8_t *x, int8_t *y)
{
    run(kLn, norm, x, y);
}

}  // namespace pico_gpt::hal
