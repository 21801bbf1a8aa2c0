/* Runs a key encapsulation of pqm4 as its speed test does, RUNS times with other random bytes. */
#include <stdint.h>
#include <string.h>

#include "api.h"
#include "randombytes.h"

static uint8_t secret_a[CRYPTO_BYTES], secret_b[CRYPTO_BYTES], secret_key[CRYPTO_SECRETKEYBYTES];
static uint8_t public_key[CRYPTO_PUBLICKEYBYTES], ciphertext[CRYPTO_CIPHERTEXTBYTES];
static uint32_t state = 1;

int randombytes(uint8_t *bytes, size_t count)
{
    for (size_t index = 0; index < count; ++index) {
        state = state * 1664525u + 1013904223u;
        bytes[index] = (uint8_t)(state >> 24);
    }
    return 0;
}

int main(void)
{
    for (int run = 0; run < RUNS; ++run) {
        crypto_kem_keypair(public_key, secret_key);
        crypto_kem_enc(ciphertext, secret_a, public_key);
        crypto_kem_dec(secret_b, ciphertext, secret_key);
        if (memcmp(secret_a, secret_b, CRYPTO_BYTES) != 0) {
            return 1;
        }
    }
    return 0;
}
