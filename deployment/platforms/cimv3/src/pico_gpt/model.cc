/* Calls the modes for each token and computes the host core's part: embeddings, logits, the KV cache's memory.
 * Implements model.h for the console application. Freestanding C++17: no heap, no exceptions, no library. */
#include "pico_gpt/hal.h"

extern "C" {
#include "crc32.h"
#include "model.h"
}

#ifdef TEXTZOO_PROFILE
#define MARK() textzoo_profile_mark(step++)
#else
#define MARK() ((void)0)
#endif

namespace pico_gpt {

uint8_t scratch[kScratchBytes];

namespace {

Cache caches[kBlocks];
static_assert(sizeof(caches) == MODEL_STATE_BYTES, "model.h says what the state takes");
bool loaded;

alignas(16) int8_t row[kWidth];
alignas(16) int8_t next_row[kWidth];
alignas(16) int8_t output[kVocabulary];

void embed(int32_t token, int32_t position)
{
    const int8_t *const first = embedding.tokens + tz_clamp(token, 0, kVocabulary - 1) * kWidth;
    const int8_t *const second = embedding.positions + position * kWidth;
    for (int32_t i = 0; i < kWidth; ++i) {
        row[i] = static_cast<int8_t>(tz_add(&embedding.sum, first[i], second[i]));
    }
}

void fill(int8_t *cache, int32_t zero_point)
{
    for (uint32_t i = 0; i < sizeof(Cache::keys); ++i) {
        cache[i] = static_cast<int8_t>(zero_point);
    }
}

}  // namespace
}  // namespace pico_gpt

using namespace pico_gpt;

const model_logit_t *model_step(int32_t token, int32_t unchecked_position)
{
    const int32_t position = tz_clamp(unchecked_position, 0, kContext - 1);
    [[maybe_unused]] int step = 0;
    embed(token, position);
    MARK();
    for (int32_t block = 0; block < kBlocks; ++block) {
        hal::pipe(block, position, caches[block], row, next_row);
        MARK();
        hal::parl(block, next_row, row);
        MARK();
        hal::layer_norm(block, row, row);
        MARK();
    }
    hal::layer_norm(kBlocks, row, row);
    MARK();
    tz_fully_connected_s8(&logits, row, output, scratch);
    MARK();
    return output;
}

void model_reset(void)
{
    if (!loaded) {
        hal::load();
        loaded = true;
    }
    for (int32_t block = 0; block < kBlocks; ++block) {
        fill(caches[block].keys, blocks[block].pipe.attention.key_zero_point);
        fill(caches[block].values, blocks[block].pipe.attention.value_zero_point);
    }
}

uint32_t model_weights_crc32(void)
{
    uint32_t checksum = 0;
    for (const Part &part : parts) {
        checksum = crc32_update(checksum, part.data, part.bytes);
    }
    return checksum;
}
