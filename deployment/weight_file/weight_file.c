#include "weight_file.h"

#include <stdbool.h>

#include "crc32.h"

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "scales are read in place: only on little-endian machines"
#endif

enum { ALIGNMENT = 16, HEADER_BYTES = 32, ENTRY_BYTES = 96, NAME_BYTES = 64 };
enum { VERSION = 4, COUNT = 8, LENGTH = 12, CHECKSUM = 16, RESERVED = 20 };
enum { ROWS = 64, COLUMNS = 68, BITS = 72, ZERO_POINT = 76, WEIGHTS = 80, BYTES = 84, SCALES = 88, ENTRY_RESERVED = 92 };

/* bytes: (4), little endian */
static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* bytes: (count) */
static bool all_zero(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t index = 0; index < count; ++index) {
        if (bytes[index] != 0) {
            return false;
        }
    }
    return true;
}

static bool is_word_character(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* name: (64) */
static bool is_name(const uint8_t *name)
{
    uint32_t length = 0;
    while (length < NAME_BYTES && is_word_character(name[length])) {
        ++length;
    }
    return length > 0 && length < NAME_BYTES && all_zero(name + length, NAME_BYTES - length);
}

/* Whether `bytes` bytes from `offset` on lie between the index and the end of the file. */
static bool lies_inside(uint32_t offset, uint64_t bytes, uint64_t index_end, uint32_t length)
{
    return offset % ALIGNMENT == 0 && offset >= index_end && offset <= length && bytes <= length - offset;
}

static uint64_t row_bytes_of(uint32_t columns, uint32_t bits)
{
    return ((uint64_t)columns * bits + 7) / 8;
}

/* Bytes of an entry's weights and scales, or 0 if the entry is invalid. entry: (ENTRY_BYTES) */
static uint64_t extent_of(const uint8_t *entry, uint64_t index_end, uint32_t length)
{
    const uint32_t rows = number_at(entry + ROWS), columns = number_at(entry + COLUMNS), bits = number_at(entry + BITS);
    if (!is_name(entry) || rows == 0 || columns == 0 || (bits != 2 && bits != 4 && bits != 8)) {
        return 0;
    }
    const uint64_t bytes = rows * row_bytes_of(columns, bits); /* both factors fit 32 bits */
    const uint64_t scale_bytes = (uint64_t)rows * sizeof(float);
    const bool fits = bytes == number_at(entry + BYTES) && number_at(entry + ENTRY_RESERVED) == 0 &&
                      lies_inside(number_at(entry + WEIGHTS), bytes, index_end, length) &&
                      lies_inside(number_at(entry + SCALES), scale_bytes, index_end, length);
    return fits ? bytes + scale_bytes : 0;
}

/* Whether header and entries are valid, and all matrices together no longer than the file, which bounds their size.
 * file: (length) */
static bool is_index(const uint8_t *file, uint32_t count, uint64_t index_end, uint32_t length)
{
    uint64_t asked = 0;
    for (uint32_t index = 0; index < count; ++index) {
        const uint64_t extent = extent_of(file + HEADER_BYTES + (size_t)index * ENTRY_BYTES, index_end, length);
        if (extent == 0) {
            return false;
        }
        asked += extent;
    }
    return asked <= length - index_end && all_zero(file + RESERVED, HEADER_BYTES - RESERVED);
}

static uint32_t checksum_of(const uint8_t *file, uint32_t length)
{
    return crc32_update(crc32_update(0, file, CHECKSUM), file + RESERVED, length - RESERVED);
}

tz_weight_file_status_t tz_weight_file_open(tz_weight_file_t *file, const void *bytes, size_t length)
{
    const uint8_t *const start = bytes;
    if ((uintptr_t)start % ALIGNMENT != 0) {
        return TZ_WEIGHT_FILE_MISALIGNED;
    }
    if (length < HEADER_BYTES || start[0] != 'T' || start[1] != 'Z' || start[2] != 'W' || start[3] != 'F') {
        return TZ_WEIGHT_FILE_MAGIC;
    }
    if (number_at(start + VERSION) != TZ_WEIGHT_FILE_VERSION) {
        return TZ_WEIGHT_FILE_OTHER_VERSION;
    }
    const uint32_t count = number_at(start + COUNT), own_length = number_at(start + LENGTH);
    const uint64_t index_end = HEADER_BYTES + (uint64_t)count * ENTRY_BYTES;
    if (own_length > length || own_length < index_end) {
        return TZ_WEIGHT_FILE_LENGTH;
    }
    if (checksum_of(start, own_length) != number_at(start + CHECKSUM)) {
        return TZ_WEIGHT_FILE_CRC;
    }
    if (!is_index(start, count, index_end, own_length)) {
        return TZ_WEIGHT_FILE_INDEX;
    }
    file->bytes = start;
    file->count = count;
    return TZ_WEIGHT_FILE_OK;
}

tz_weight_file_status_t tz_weight_file_at(const tz_weight_file_t *file, uint32_t index, tz_weight_matrix_t *matrix)
{
    if (index >= file->count) {
        return TZ_WEIGHT_FILE_ABSENT;
    }
    const uint8_t *const entry = file->bytes + HEADER_BYTES + (size_t)index * ENTRY_BYTES;
    matrix->name = (const char *)entry;
    matrix->rows = number_at(entry + ROWS);
    matrix->columns = number_at(entry + COLUMNS);
    matrix->bits = number_at(entry + BITS);
    matrix->row_bytes = (uint32_t)row_bytes_of(matrix->columns, matrix->bits);
    matrix->zero_point = (int32_t)number_at(entry + ZERO_POINT);
    matrix->weights = file->bytes + number_at(entry + WEIGHTS);
    matrix->scales = (const float *)(const void *)(file->bytes + number_at(entry + SCALES));
    return TZ_WEIGHT_FILE_OK;
}

static bool same_text(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        ++one;
        ++other;
    }
    return *one == *other;
}

tz_weight_file_status_t tz_weight_file_find(const tz_weight_file_t *file, const char *name, tz_weight_matrix_t *matrix)
{
    for (uint32_t index = 0; index < file->count; ++index) {
        if (same_text((const char *)file->bytes + HEADER_BYTES + (size_t)index * ENTRY_BYTES, name)) {
            return tz_weight_file_at(file, index, matrix);
        }
    }
    return TZ_WEIGHT_FILE_ABSENT;
}

const char *tz_weight_file_text(tz_weight_file_status_t status)
{
    static const char *const texts[] = {
        "ok",
        "the file's address is not a multiple of 16 bytes",
        "the file is not a weights.tzw",
        "the file has another version than this reader",
        "the file's length is not that of its header",
        "the file is damaged",
        "the file's index is invalid",
        "there is no such matrix",
    };
    return (uint32_t)status < sizeof texts / sizeof texts[0] ? texts[status] : "unknown status";
}
