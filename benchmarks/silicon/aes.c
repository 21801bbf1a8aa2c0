/* Calls the assembly of "All the AES you need on Cortex-M3 and M4" (Schwabe, Stoffelen) as its authors measured it.
 *
 * KEY_BYTES: 16, 24, 32. ROUND_KEYS: bytes of the expanded key. KEY_FIRST: 1 if it begins with the key itself, which
 * the key schedule then continues. Without COUNTER_MODE one block is encrypted, else 4096 bytes. */
#include <stdint.h>
#include <string.h>

enum { BLOCK = 16, LENGTH = 4096 };

/* A symbol of the code: the authors read the counter of cycles before and behind a call, so that it is measured with its
 * arguments. */
#define HERE(name) __asm__ volatile(".global " #name "\n" #name ":" ::: "memory")

typedef struct {
    uint32_t counter;
    uint8_t nonce[12];
    uint8_t round_keys[ROUND_KEYS];
} parameters_t;

void KEY_SCHEDULE(const uint8_t *key, uint8_t *round_keys);
#ifdef COUNTER_MODE
void ENCRYPT(const parameters_t *parameters, const uint8_t *in, uint8_t *out, uint32_t bytes);
#else
void ENCRYPT(const uint8_t *round_keys, const uint8_t *in, uint8_t *out);
#endif

static uint8_t key[KEY_BYTES], in[LENGTH], out[LENGTH];
static parameters_t parameters;

int main(void)
{
    for (int index = 0; index < LENGTH; ++index) {
        in[index] = (uint8_t)(index * 7);
    }
    for (int index = 0; index < KEY_BYTES; ++index) {
        key[index] = (uint8_t)(index * 29 + 4);
    }
    memcpy(parameters.round_keys, key, KEY_BYTES);
    HERE(begin_key_schedule);
    KEY_SCHEDULE(key, parameters.round_keys + (KEY_FIRST ? KEY_BYTES : 0));
    HERE(end_key_schedule);
    HERE(begin_encrypt);
#ifdef COUNTER_MODE
    ENCRYPT(&parameters, in, out, LENGTH);
#else
    ENCRYPT(parameters.round_keys, in, out);
#endif
    HERE(end_encrypt);
    return 0;
}
