/* A model small enough to be repeated in a few lines of Python (tests/application/toy.py): it keeps the contract of
 * generated models, so that the application can be tested without the compiler. */
#ifndef TOY_MODEL_H
#define TOY_MODEL_H

#include <stdint.h>

#define MODEL_NAME "toy"
#define MODEL_VERSION 1
#define MODEL_HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MODEL_VOCABULARY_SIZE 12
#define MODEL_CONTEXT_LENGTH 16
#define MODEL_MACS 24
#define MODEL_WEIGHT_BYTES 144
#define MODEL_WEIGHTS_IMAGE_BYTES 192
#define MODEL_STATE_BYTES 4
#define MODEL_ARENA_BYTES 24
#define MODEL_STEPS 2
#define MODEL_WEIGHTS_CRC32 0x94418f12u

#ifdef TOY_INT16
typedef int16_t model_logit_t;
#define MODEL_LOGIT_UNIT UINT64_C(7931299687) /* scale 0.005 */
#define MODEL_CHECK_LOGITS_CRC32 0xa0903403u
#else
typedef int8_t model_logit_t;
#define MODEL_LOGIT_UNIT UINT64_C(79312999821) /* scale 0.05 */
#define MODEL_CHECK_LOGITS_CRC32 0x3fa8f9fau
#endif

void model_reset(void);
const model_logit_t *model_step(int32_t token, int32_t position);
uint32_t model_weights_crc32(void);

#define MODEL_CHECK_TOKENS 7
extern const int32_t model_check_tokens[];

#ifdef TEXTZOO_PROFILE
void textzoo_profile_mark(int index);
extern const char *const model_step_names[];
extern const char *const model_step_kinds[];
#endif

#endif
