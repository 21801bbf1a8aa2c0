/* A program around a library that is called my_model: writes the text that continues PROMPT to the file `text`, in two
 * halves between which the state is saved, and checks what the header promises. case.h has PROMPT (PROMPT_BYTES), SEED,
 * TOKENS, FUZZED_STATES and STOPPED, whether the text ends at a stop text. Ends with the number of the line where a promise is broken, at most 255. */
#include <string.h>

#include "board.h"
#include "case.h"
#include "my_model.h"

#define PROMISE(condition)          \
    do {                            \
        if (!(condition)) {         \
            return (__LINE__) % 255 + 1; \
        }                           \
    } while (0)

static MY_MODEL_MEMORY(memory);
static MY_MODEL_MEMORY(second);
static uint8_t saved[MY_MODEL_SAVED_BYTES + 1];
static uint8_t damaged[MY_MODEL_SAVED_BYTES];
static uint8_t again[MY_MODEL_SAVED_BYTES];
static char text[MY_MODEL_TEXT_BYTES];

/* CRC-32 bit by bit: not the library's own. */
static uint32_t crc_of(const uint8_t *bytes, size_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t index = 0; index < count; ++index) {
        crc ^= bytes[index];
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

static uint32_t random_number(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

static int errors(void)
{
    my_model_t *model = (my_model_t *)(void *)memory;
    PROMISE(my_model_open(NULL, sizeof memory, &model) == MY_MODEL_ERROR_NULL && model == NULL);
    PROMISE(my_model_open(memory, sizeof memory, NULL) == MY_MODEL_ERROR_NULL);
    PROMISE(my_model_open(memory + 4, sizeof memory, &model) == MY_MODEL_ERROR_ALIGNMENT && model == NULL);
    PROMISE(my_model_open(memory, sizeof memory - 1, &model) == MY_MODEL_ERROR_SIZE && model == NULL);
    PROMISE(my_model_open(memory, sizeof memory, &model) == MY_MODEL_OK && model != NULL);
    PROMISE(my_model_next(model) == MY_MODEL_ERROR_EMPTY);
    PROMISE(my_model_next(NULL) == MY_MODEL_ERROR_NULL);
    PROMISE(my_model_feed(model, NULL, 1) == MY_MODEL_ERROR_NULL);
    PROMISE(my_model_feed(model, "", 0) == 0);
    PROMISE(my_model_set_sampling(model, 0x80000001u, 0, 1) == MY_MODEL_ERROR_RANGE);
    PROMISE(my_model_set_sampling(model, 0, -1, 1) == MY_MODEL_ERROR_RANGE);
    PROMISE(my_model_set_sampling(NULL, 0, 0, 1) == MY_MODEL_ERROR_NULL);
    PROMISE(my_model_text(model, -1, text) == 0 && text[0] == 0);
    PROMISE(my_model_text(model, MY_MODEL_VOCABULARY_SIZE, text) == 0 && my_model_text(model, 0, NULL) == 0);
    PROMISE(my_model_save(model, saved, MY_MODEL_SAVED_BYTES - 1) == 0 && my_model_save(model, NULL, 9999) == 0);
    PROMISE(my_model_load(model, saved, MY_MODEL_SAVED_BYTES + 1) == MY_MODEL_ERROR_SIZE);
    PROMISE(my_model_load(model, NULL, MY_MODEL_SAVED_BYTES) == MY_MODEL_ERROR_NULL);
    PROMISE(my_model_unknown(prompt, PROMPT_BYTES) == PROMPT_BYTES);
    PROMISE(my_model_check(model) == MY_MODEL_OK && my_model_check(NULL) == MY_MODEL_ERROR_NULL);
    PROMISE(my_model_position(model) == 0);
    return 0;
}

/* Write `tokens` tokens on; their text goes to the file. */
static void write_on(my_model_t *model, int tokens, int file)
{
    for (int count = 0; count < tokens; ++count) {
        const size_t bytes = my_model_text(model, my_model_next(model), text);
        board_write(file, text, (uint32_t)bytes);
    }
}

static int generate(int file)
{
    my_model_t *model, *other;
    PROMISE(my_model_open(memory, sizeof memory, &model) == MY_MODEL_OK);
    PROMISE(my_model_open(second, sizeof second, &other) == MY_MODEL_OK);
    PROMISE(my_model_set_sampling(model, TEMPERATURE, TOP_K, SEED) == MY_MODEL_OK);
    PROMISE(my_model_feed(model, prompt, PROMPT_BYTES) == PROMPT_TOKENS);
    PROMISE(my_model_stopped(model) == 0 && my_model_stopped(NULL) == 0);
    write_on(model, TOKENS / 2, file);
    PROMISE(my_model_save(model, saved, sizeof saved) == MY_MODEL_SAVED_BYTES);
    /* The other one goes on from here, and leaves the first one alone. */
    PROMISE(my_model_load(other, saved, MY_MODEL_SAVED_BYTES) == MY_MODEL_OK);
    for (int count = 0; count < 20; ++count) {
        const int32_t token = my_model_next(model);
        PROMISE(token == my_model_next(other));
        const size_t bytes = my_model_text(model, token, text);
        static char same[MY_MODEL_TEXT_BYTES];
        PROMISE(my_model_text(other, token, same) == bytes && memcmp(text, same, bytes + 1) == 0);
    }
    PROMISE(my_model_save(model, damaged, sizeof damaged) == my_model_save(other, again, sizeof again));
    PROMISE(memcmp(damaged, again, sizeof again) == 0);
    PROMISE(my_model_load(model, saved, MY_MODEL_SAVED_BYTES) == MY_MODEL_OK);
    write_on(model, TOKENS - TOKENS / 2, file);
    PROMISE(my_model_stopped(model) == STOPPED);
    board_write(file, text, (uint32_t)my_model_text_end(model, text));
    PROMISE(my_model_stopped(model) == 0); /* the next answer begins */
    return 0;
}

/* Damaged states are refused, and change nothing; whatever is accepted can be used. Some get a CRC that is right. */
static int fuzz(void)
{
    my_model_t *model;
    uint32_t random = 1;
    PROMISE(my_model_open(memory, sizeof memory, &model) == MY_MODEL_OK);
    for (int number = 0; number < FUZZED_STATES; ++number) {
        const int mends = number % 2;
        memcpy(damaged, saved, sizeof damaged);
        for (uint32_t changes = 1 + random_number(&random) % 4; changes > 0; --changes) {
            const uint32_t range = number % 4 < 2 && sizeof damaged > 80 ? 80 : (uint32_t)sizeof damaged;
            damaged[random_number(&random) % range] ^= (uint8_t)(1u + random_number(&random) % 255u);
        }
        if (mends) {
            const uint32_t crc = crc_of(damaged, sizeof damaged - 4);
            for (uint32_t index = 0; index < 4; ++index) {
                damaged[sizeof damaged - 4 + index] = (uint8_t)(crc >> 8 * index);
            }
        }
        PROMISE(my_model_load(model, saved, MY_MODEL_SAVED_BYTES) == MY_MODEL_OK);
        const int loaded = my_model_load(model, damaged, sizeof damaged);
        if (loaded != MY_MODEL_OK) {
            PROMISE(loaded == MY_MODEL_ERROR_STATE);
            PROMISE(my_model_save(model, again, sizeof again) == sizeof again && memcmp(again, saved, sizeof again) == 0);
            continue;
        }
        PROMISE(mends || memcmp(damaged, saved, sizeof damaged) == 0);
        for (int count = 0; count < 3; ++count) {
            const int32_t token = my_model_next(model);
            PROMISE(token == MY_MODEL_ERROR_EMPTY || (token >= 0 && token < MY_MODEL_VOCABULARY_SIZE));
            my_model_text(model, token, text);
        }
    }
    return 0;
}

int main(void)
{
    const int file = board_open("text", 1);
    int wrong = errors();
    wrong = wrong != 0 ? wrong : generate(file);
    return wrong != 0 ? wrong : fuzz();
}
