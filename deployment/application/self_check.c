#include "self_check.h"

#include "crc32.h"
#include "generate.h"

#if MODEL_CHECK_TOKENS > MODEL_CONTEXT_LENGTH
#error "the check tokens must fit the context"
#endif

uint32_t self_check_logits(uint32_t crc, const model_logit_t *logits, int32_t count)
{
    for (int32_t index = 0; index < count; ++index) {
        const uint32_t bits = (uint32_t)logits[index];
        const uint8_t bytes[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)}; /* low byte first on any machine */
        crc = crc32_update(crc, bytes, sizeof(model_logit_t));
    }
    return crc;
}

bool self_check_kernels(void)
{
    uint32_t crc = 0;
    context_reset();
    for (int32_t index = 0; index < MODEL_CHECK_TOKENS; ++index) {
        crc = self_check_logits(crc, context_feed(model_check_tokens[index]), MODEL_VOCABULARY_SIZE);
    }
    context_reset();
    return crc == MODEL_CHECK_LOGITS_CRC32;
}
