/* The HAL on the host core: the kernels of runtime/, which compute what LiteRT's reference kernels compute, bit for
 * bit. */
#include "pico_gpt/hal.h"

extern "C" {
#include "model.h"
}

namespace pico_gpt::hal {
namespace {

/* Intermediate rows of a mode. */
struct Work {
    alignas(16) int8_t qkv[3 * kWidth];
    alignas(16) int16_t wide[kWidth];  // attention with probabilities of 15 bits
    alignas(16) int8_t mixed[kWidth];
    alignas(16) int8_t branch[kWidth];
    alignas(16) int8_t hidden[kHidden];
} work;

constexpr int32_t aligned(int32_t bytes)
{
    return (bytes + 15) / 16 * 16;
}
static_assert(2 * kWidth + aligned(kVocabulary) + kScratchBytes + sizeof(Work) == MODEL_ARENA_BYTES,
              "model.h says what rows take");

void add(const tz_add_t &sum, const int8_t *x, const int8_t *branch, int8_t *y)
{
    for (int32_t i = 0; i < kWidth; ++i) {
        y[i] = static_cast<int8_t>(tz_add(&sum, x[i], branch[i]));
    }
}

/* row: (kHeads, kHeadWidth); cache: (kHeads, kContext, kHeadWidth). */
void store(const int8_t *row, int32_t position, int8_t *cache)
{
    int8_t *entry = cache + position * kHeadWidth;
    for (int32_t head = 0; head < kHeads; ++head) {
        for (int32_t i = 0; i < kHeadWidth; ++i) {
            entry[i] = *row++;
        }
        entry += kContext * kHeadWidth;
    }
}

void attend(const Pipe &pipe, int32_t position, const Cache &cache)
{
    if (!pipe.attention.reciprocals) {
        tz_attention_s8(&pipe.attention, work.qkv, cache.keys, cache.values, &position, work.mixed, scratch);
        return;
    }
    tz_attention_s8_p16(&pipe.attention, work.qkv, cache.keys, cache.values, &position, work.wide, scratch);
    for (int32_t i = 0; i < kWidth; ++i) {
        work.mixed[i] = static_cast<int8_t>(tz_requantize(&pipe.narrowing, work.wide[i]));
    }
}

}  // namespace

void load()
{
}

void pipe(int32_t block, int32_t position, Cache &cache, const int8_t *x, int8_t *y)
{
    const Pipe &pipe = blocks[block].pipe;
    tz_fully_connected_s8(&pipe.qkv, x, work.qkv, scratch);
    store(work.qkv + kWidth, position, cache.keys);
    store(work.qkv + 2 * kWidth, position, cache.values);
    attend(pipe, position, cache);
    tz_fully_connected_s8(&pipe.projection, work.mixed, work.branch, scratch);
    add(pipe.residual, x, work.branch, y);
}

void parl(int32_t block, const int8_t *x, int8_t *y)
{
    const Parl &parl = blocks[block].parl;
    tz_fully_connected_s8(&parl.up, x, work.hidden, scratch);
    tz_fully_connected_s8(&parl.down, work.hidden, work.branch, scratch);
    add(parl.residual, x, work.branch, y);
}

void layer_norm(int32_t norm, const int8_t *x, int8_t *y)
{
    tz_layer_norm_s8(&norms[norm], x, y);
}

}  // namespace pico_gpt::hal
