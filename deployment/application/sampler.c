#include "sampler.h"

#include <stddef.h>

#include "divide.h"
#include "grammar.h"

enum {
    EXPONENT_BITS = 24,
    TABLE_BITS = 6,
    FRACTION_BITS = EXPONENT_BITS - TABLE_BITS, /* between two entries of the table */
    WEIGHT_BITS = 31,
    LOWEST_LOGIT = sizeof(model_logit_t) == 1 ? INT8_MIN : INT16_MIN
};

/* (65) powers[i] = 2^(31 - i/64), rounded to the nearest integer. */
static const uint32_t powers[(1 << TABLE_BITS) + 1] = {
    0x80000000u, 0x7E9F0606u, 0x7D41D96Eu, 0x7BE86FBAu, 0x7A92BE8Bu, 0x7940BB9Eu, 0x77F25CCEu, 0x76A7980Fu,
    0x75606374u, 0x741CB528u, 0x72DC8374u, 0x719FC4B9u, 0x70666F76u, 0x6F307A41u, 0x6DFDDBCCu, 0x6CCE8AE1u,
    0x6BA27E65u, 0x6A79AD56u, 0x69540EC9u, 0x683199EDu, 0x6712460Bu, 0x65F60A7Fu, 0x64DCDEC3u, 0x63C6BA64u,
    0x62B39509u, 0x61A3666Du, 0x60962665u, 0x5F8BCCDBu, 0x5E8451D0u, 0x5D7FAD59u, 0x5C7DD7A4u, 0x5B7EC8F2u,
    0x5A82799Au, 0x5988E209u, 0x5891FAC1u, 0x579DBC57u, 0x56AC1F75u, 0x55BD1CDBu, 0x54D0AD5Au, 0x53E6C9DAu,
    0x52FF6B55u, 0x521A8AD7u, 0x51382182u, 0x50582888u, 0x4F7A9930u, 0x4E9F6CD4u, 0x4DC69CDDu, 0x4CF022CAu,
    0x4C1BF829u, 0x4B4A169Cu, 0x4A7A77D4u, 0x49AD1598u, 0x48E1E9BAu, 0x4818EE22u, 0x47521CC6u, 0x468D6FAEu,
    0x45CAE0F2u, 0x450A6ABBu, 0x444C0740u, 0x438FB0CBu, 0x42D561B4u, 0x421D1462u, 0x4166C34Cu, 0x40B268FAu,
    0x40000000u,
};

void random32_seed(random32_t *random, uint32_t seed)
{
    random->state = 0;
    random32_next(random);
    random->state += seed;
    random32_next(random);
}

uint32_t random32_next(random32_t *random)
{
    const uint32_t old = random->state;
    random->state = old * 747796405u + 2891336453u;
    const uint32_t word = ((old >> ((old >> 28) + 4u)) ^ old) * 277803737u;
    return (word >> 22) ^ word;
}

void sampler_init(sampler_t *sampler, uint32_t temperature, int32_t top_k, uint32_t seed)
{
    random32_seed(&sampler->random, seed);
    sampler->temperature = temperature;
    sampler->top_k = top_k;
    sampler->multiplier = 0;
    if (temperature != 0) {
        const uint64_t multiplier = divide(MODEL_LOGIT_UNIT + temperature / 2, temperature, NULL);
        sampler->multiplier = multiplier > UINT32_MAX ? UINT32_MAX : (uint32_t)multiplier;
    }
}

/* 2^31 * 2^(-steps * multiplier / 2^24): at most 16 bits times 32, so the exponent stays below 2^48. */
static uint32_t weight_of(uint32_t steps, uint32_t multiplier)
{
    const uint64_t exponent = (uint64_t)steps * multiplier;
    const uint32_t whole = (uint32_t)(exponent >> EXPONENT_BITS);
    const uint32_t index = (uint32_t)(exponent >> FRACTION_BITS) & ((UINT32_C(1) << TABLE_BITS) - 1u);
    const uint32_t fraction = (uint32_t)exponent & ((UINT32_C(1) << FRACTION_BITS) - 1u);
    if (whole > WEIGHT_BITS) {
        return 0;
    }
    const uint64_t drop = (uint64_t)(powers[index] - powers[index + 1]) * fraction;
    return (powers[index] - (uint32_t)(drop >> FRACTION_BITS)) >> whole;
}

/* The tokens that may be chosen: those above `lowest`, and the first `ties` of those that equal it. */
typedef struct {
    int32_t lowest;
    int32_t ties;
} kept_t;

/* How many of logits (MODEL_VOCABULARY_SIZE) are `lowest` or more, without tokens that the grammar forbids. */
static int32_t count_from(const model_logit_t *logits, int32_t lowest)
{
    int32_t count = 0;
    for (int32_t token = 0; token < MODEL_VOCABULARY_SIZE; ++token) {
        count += logits[token] >= lowest && grammar_allows(token);
    }
    return count;
}

/* The k-th largest logit by bisection over the values a logit can take: 8 or 16 counts and no memory. */
static kept_t keep_largest(const model_logit_t *logits, int32_t largest, int32_t top_k)
{
    kept_t kept = {(int32_t)LOWEST_LOGIT - 1, 0};
    if (top_k <= 0 || top_k >= grammar_count()) {
        return kept;
    }
    int32_t low = LOWEST_LOGIT; /* at least k logits are >= low, always */
    int32_t high = largest;
    while (low < high) {
        const int32_t middle = low + (high - low + 1) / 2;
        if (count_from(logits, middle) >= top_k) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    kept.lowest = low;
    kept.ties = top_k - count_from(logits, low + 1);
    return kept;
}

/* The weight of a token, 0 outside the kept ones; to be called in the order of tokens, because ties are used up. */
static uint32_t kept_weight(kept_t *kept, int32_t logit, int32_t largest, uint32_t multiplier)
{
    if (logit < kept->lowest || (logit == kept->lowest && kept->ties-- <= 0)) {
        return 0;
    }
    return weight_of((uint32_t)(largest - logit), multiplier);
}

/* The first token with the largest of logits (MODEL_VOCABULARY_SIZE), as NumPy's argmax, of those that may come. */
static int32_t largest_token(const model_logit_t *logits)
{
    int32_t best = 0;
    while (!grammar_allows(best)) {
        ++best;
    }
    for (int32_t token = best + 1; token < MODEL_VOCABULARY_SIZE; ++token) {
        if (logits[token] > logits[best] && grammar_allows(token)) {
            best = token;
        }
    }
    return best;
}

/* floor(number * total / 2^32) in two halves that fit 64 bits, because total is below 2^48. */
static uint64_t threshold_of(uint32_t number, uint64_t total)
{
    return number * (total >> 32) + ((number * (total & UINT32_MAX)) >> 32);
}

int32_t sampler_choose(sampler_t *sampler, const model_logit_t *logits)
{
    const int32_t best = largest_token(logits);
    if (sampler->temperature == 0) {
        return best;
    }
    const int32_t largest = logits[best];
    const kept_t all = keep_largest(logits, largest, sampler->top_k);
    kept_t kept = all; /* a copy for each of the two passes, which use up its ties */
    uint64_t total = 0;
    for (int32_t token = 0; token < MODEL_VOCABULARY_SIZE; ++token) {
        total += grammar_allows(token) ? kept_weight(&kept, logits[token], largest, sampler->multiplier) : 0;
    }
    const uint64_t threshold = threshold_of(random32_next(&sampler->random), total);
    kept = all;
    uint64_t running = 0;
    int32_t token = 0;
    /* threshold < total: the sum passes it at some token. */
    while ((running += grammar_allows(token) ? kept_weight(&kept, logits[token], largest, sampler->multiplier) : 0) <=
           threshold) {
        ++token;
    }
    return token;
}
