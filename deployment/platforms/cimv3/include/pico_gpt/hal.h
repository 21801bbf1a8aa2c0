/* The HAL: what CIMv3 computes, one call per mode. Whoever implements it must give these integers, which are LiteRT's;
 * the program's self-check compares the logits at its start.
 *
 *   src/hal_software.cc    on the host core, bit for bit: the default
 *   src/hal_registers.cc   on the accelerator: a skeleton, never run on silicon
 *
 * A token goes through  embeddings, PIPE 0, PARL 0, LN 0, PIPE 1, ..., LN kBlocks - 1, LN kBlocks, logits.  The host
 * core computes embeddings and logits (src/pico_gpt/model.cc), and its memory holds the KV cache.
 *
 * Rows x and y: (kWidth) int8, 16-byte aligned, in the scales of model_data.h; separate, except in layer_norm. */
#ifndef PICO_GPT_HAL_H
#define PICO_GPT_HAL_H

#include <stdint.h>

#include "pico_gpt/model_data.h"

namespace pico_gpt {

/* The KV cache of one block: (kHeads, kContext, kHeadWidth) each. Entries after `position` hold the zero point. */
struct Cache {
    alignas(16) int8_t keys[kHeads * kContext * kHeadWidth];
    alignas(16) int8_t values[kHeads * kContext * kHeadWidth];
};

namespace hal {

/* Load the matrices to where they are multiplied. Called once, before the other functions. */
void load();

/* PIPE: y = x + attention(x). Keys and values of x go to position `position` of the cache, 0 <= position < kContext;
 * positions 0 to position take part. */
void pipe(int32_t block, int32_t position, Cache &cache, const int8_t *x, int8_t *y);

/* PARL: y = x + feed_forward(x). */
void parl(int32_t block, const int8_t *x, int8_t *y);

/* LN: y = layer_norm(x); norm: 0 <= norm <= kBlocks, a block's or the last one. x and y may be the same. */
void layer_norm(int32_t norm, const int8_t *x, int8_t *y);

}  // namespace hal

/* Scratch memory of kernels on the host core: its contents are undefined before and after every call. */
alignas(16) extern uint8_t scratch[kScratchBytes];

}  // namespace pico_gpt

#endif
