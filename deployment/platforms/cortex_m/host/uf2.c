/* Runs on the PC, for boards that take files in the format UF2 (https://github.com/microsoft/uf2, "UF2 file format").
 *
 *   uf2 image IN.bin ADDRESS FAMILY OUT.uf2    write an image as UF2; ADDRESS of its first byte, FAMILY of the chip
 *   uf2 boot FILE                              put the checksum into the second stage of an RP2040's boot, in place */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, PAYLOAD = 256, DATA = 32, BOOT = 256, CHECKED = BOOT - 4 };
#define FAMILY_IS_GIVEN 0x2000u

static int failed(const char *what, const char *name)
{
    fprintf(stderr, "uf2: %s: %s\n", name, what);
    return EXIT_FAILURE;
}

static void put_word(uint8_t *at, uint32_t word)
{
    for (int i = 0; i < 4; ++i) {
        at[i] = (uint8_t)(word >> 8 * i);
    }
}

/* The bytes of a file, or -1. */
static long bytes_of(FILE *file)
{
    const long bytes = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    return fseek(file, 0, SEEK_SET) == 0 ? bytes : -1;
}

/* One block of 512 bytes: header of 8 words, 476 bytes of which 256 are used, and a word that ends it. */
static void make_block(uint8_t block[BLOCK], uint32_t address, uint32_t number, uint32_t count, uint32_t family)
{
    const uint32_t header[8] = {0x0A324655u, 0x9E5D5157u, FAMILY_IS_GIVEN, address, PAYLOAD, number, count, family};
    for (int i = 0; i < 8; ++i) {
        put_word(block + 4 * i, header[i]);
    }
    put_word(block + BLOCK - 4, 0x0AB16F30u);
}

static int write_blocks(FILE *in, FILE *out, uint32_t count, uint32_t address, uint32_t family)
{
    for (uint32_t number = 0; number < count; ++number) {
        uint8_t block[BLOCK] = {0};
        if (fread(block + DATA, 1, PAYLOAD, in) == 0) {
            return 0;
        }
        make_block(block, address + number * PAYLOAD, number, count, family);
        if (fwrite(block, 1, BLOCK, out) != BLOCK) {
            return 0;
        }
    }
    return 1;
}

static int write_image(const char *from, uint32_t address, uint32_t family, const char *to)
{
    FILE *in = fopen(from, "rb");
    if (!in) {
        return failed("cannot be read", from);
    }
    const long bytes = bytes_of(in);
    if (bytes <= 0) {
        fclose(in);
        return failed("is empty", from);
    }
    FILE *out = fopen(to, "wb");
    if (!out) {
        fclose(in);
        return failed("cannot be written", to);
    }
    const int whole = write_blocks(in, out, (uint32_t)((bytes + PAYLOAD - 1) / PAYLOAD), address, family);
    fclose(in);
    if (fclose(out) != 0 || !whole) {
        remove(to);
        return failed("could not be written", to);
    }
    return EXIT_SUCCESS;
}

/* The CRC-32 of the boot ROM (RP2040 datasheet, 2.8.1.3.1): polynomial 0x04C11DB7, all ones at first, bits not
 * reflected, the result not inverted. */
static uint32_t checksum(const uint8_t *data, int bytes)
{
    uint32_t crc = UINT32_MAX;
    for (int i = 0; i < bytes; ++i) {
        crc ^= (uint32_t)data[i] << 24;
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc << 1 ^ (crc >> 31 ? 0x04C11DB7u : 0u);
        }
    }
    return crc;
}

static int write_checksum(const char *name)
{
    uint8_t boot[BOOT] = {0};
    FILE *file = fopen(name, "r+b");
    if (!file) {
        return failed("cannot be read", name);
    }
    const size_t read = fread(boot, 1, BOOT, file);
    if (read != BOOT || bytes_of(file) != BOOT || memcmp(boot + CHECKED, "\0\0\0", 4) != 0) {
        fclose(file);
        return failed("is not 252 bytes of program and 4 zeros", name);
    }
    put_word(boot + CHECKED, checksum(boot, CHECKED));
    const size_t written = fwrite(boot, 1, BOOT, file);
    return fclose(file) == 0 && written == BOOT ? EXIT_SUCCESS : failed("could not be written", name);
}

int main(int count, char **arguments)
{
    if (count == 6 && strcmp(arguments[1], "image") == 0) {
        const uint32_t address = (uint32_t)strtoul(arguments[3], NULL, 0);
        return write_image(arguments[2], address, (uint32_t)strtoul(arguments[4], NULL, 0), arguments[5]);
    }
    if (count == 3 && strcmp(arguments[1], "boot") == 0) {
        return write_checksum(arguments[2]);
    }
    fputs("uf2 image IN.bin ADDRESS FAMILY OUT.uf2\nuf2 boot FILE\n", stderr);
    return 2;
}
