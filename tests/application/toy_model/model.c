/* Logits that depend on all tokens since the reset and on the position; see model.h. */
#include "model.h"

#include "crc32.h"

#ifdef TEXTZOO_PROFILE
#define MARK(index) textzoo_profile_mark(index)
const char *const model_step_names[] = {"history", "logits"};
const char *const model_step_kinds[] = {"MIX", "LOOK_UP"};
#else
#define MARK(index) ((void)0)
#endif

const int32_t model_check_tokens[MODEL_CHECK_TOKENS] = {0, 11, 5, 5, 2, 9, 1};

/* (token, next token) */
static const int8_t table[MODEL_VOCABULARY_SIZE][MODEL_VOCABULARY_SIZE] = {
    {54, 15, 22, 48, 9, 33, 40, -33, -54, -24, -26, 45},
    {50, -60, 0, 39, -45, 36, -46, -4, 38, -24, -19, -27},
    {27, -30, 59, -7, -3, 1, 10, 6, 1, 60, 37, 35},
    {24, 15, -19, 59, -4, -34, 42, -41, 43, 14, -47, -55},
    {-7, -56, -43, 2, 57, -4, 37, 50, 39, 16, -7, 2},
    {-28, 0, -15, -31, 60, -59, -49, -37, 57, 23, 46, -36},
    {27, -16, -1, -60, 14, 40, 20, -42, 4, -28, 56, 46},
    {-38, 1, 53, 42, 25, 17, -55, 29, -3, -49, -31, 5},
    {27, 1, 14, 45, 23, -17, 17, 12, -47, -53, 19, -14},
    {12, -21, -33, -42, -14, 38, -12, -15, 9, 58, -13, 11},
    {-7, 13, -7, 17, 6, 21, 55, -42, 7, -7, -17, -32},
    {-54, -12, 39, -49, -11, 57, 55, -34, -60, 21, -59, -24},
};

static uint32_t history;
static model_logit_t logits[MODEL_VOCABULARY_SIZE];

void model_reset(void)
{
    history = 1;
}

const model_logit_t *model_step(int32_t token, int32_t position)
{
    history = history * 1664525u + 1013904223u + (uint32_t)token * 2654435761u + (uint32_t)position;
    const int8_t *seen = table[(history >> 16) * MODEL_VOCABULARY_SIZE >> 16];
    MARK(0);
    for (int32_t next = 0; next < MODEL_VOCABULARY_SIZE; ++next) {
        const int32_t logit = table[token][next] + seen[next];
#ifdef TOY_INT16
        logits[next] = (model_logit_t)(logit * 200 + position);
#else
        logits[next] = (model_logit_t)logit;
#endif
    }
    MARK(1);
    return logits;
}

uint32_t model_weights_crc32(void)
{
    return crc32_update(0, table, sizeof table);
}
