/* weights.tzw: the matrices of a model in one file that is read in place, for example in a flash partition that is
 * mapped into memory. Nothing is copied, nothing allocated; every bound is checked before it is used.
 *
 *   offset  bytes
 *        0      4  "TZWF"
 *        4      4  version: 1
 *        8      4  number of matrices
 *       12      4  bytes of the whole file
 *       16      4  CRC-32 (IEEE) over bytes 0 to 15 and 20 to the end
 *       20     12  0
 *       32         per matrix 96 bytes:
 *                    0  64  name: letters, digits and _; filled up with zeros, at least one
 *                   64   4  rows, at least 1
 *                   68   4  columns, at least 1
 *                   72   4  bits of a weight: 2, 4 or 8
 *                   76   4  zero point (int32)
 *                   80   4  offset of its weights from the file's first byte: a multiple of 16
 *                   84   4  bytes of its weights: rows * row_bytes
 *                   88   4  offset of its scales: a multiple of 16
 *                   92   4  0
 *                  the weights and scales of the matrices, none sharing its bytes with another
 *
 * Numbers are little endian. Weights are stored row by row; a row begins at a byte boundary and has
 * row_bytes = (columns * bits + 7) / 8. A byte holds 8 / bits weights, the first in the lowest bits: of 2 bits each + 1
 * (0, 1, 2 for -1, 0, 1), of 4 bits each + 8, of 8 bits as they are (two's complement). A row's last byte is padded
 * with weights of 0. Scales are float32, one for each row: real weight = scale * (weight - zero point).
 * docs/reference/weight_files.md has the same and more. */
#ifndef TEXTZOO_WEIGHT_FILE_H
#define TEXTZOO_WEIGHT_FILE_H

#include <stddef.h>
#include <stdint.h>

#define TZ_WEIGHT_FILE_VERSION 1u

typedef enum {
    TZ_WEIGHT_FILE_OK = 0,
    TZ_WEIGHT_FILE_MISALIGNED = 1, /* its address is not a multiple of 16 bytes */
    TZ_WEIGHT_FILE_MAGIC = 2,      /* too short for a header, or it does not begin with "TZWF" */
    TZ_WEIGHT_FILE_OTHER_VERSION = 3,
    TZ_WEIGHT_FILE_LENGTH = 4, /* longer than the readable bytes, or too short for its index */
    TZ_WEIGHT_FILE_CRC = 5,
    TZ_WEIGHT_FILE_INDEX = 6, /* invalid header or index */
    TZ_WEIGHT_FILE_ABSENT = 7 /* no matrix of this number or name */
} tz_weight_file_status_t;

typedef struct {
    const uint8_t *bytes; /* the file */
    uint32_t count;       /* of matrices */
} tz_weight_file_t;

typedef struct {
    const char *name; /* ends with a zero */
    uint32_t rows, columns, bits, row_bytes;
    int32_t zero_point;
    const uint8_t *weights; /* (rows, row_bytes) */
    const float *scales;    /* (rows) */
} tz_weight_matrix_t;

/* Check the file at `bytes`, of which `length` bytes can be read (it may be shorter), and open it. It must not change
 * while `file` is used. Whatever its contents, nothing outside of it is read. `file` is written only if it is valid. */
tz_weight_file_status_t tz_weight_file_open(tz_weight_file_t *file, const void *bytes, size_t length);

/* A matrix by its number, 0 to file->count - 1, in the order in which a token uses them. */
tz_weight_file_status_t tz_weight_file_at(const tz_weight_file_t *file, uint32_t index, tz_weight_matrix_t *matrix);

/* The first matrix with a name. */
tz_weight_file_status_t tz_weight_file_find(const tz_weight_file_t *file, const char *name, tz_weight_matrix_t *matrix);

/* One weight as the model's integer code; row < rows, column < columns. */
static inline int32_t tz_weight_at(const tz_weight_matrix_t *matrix, uint32_t row, uint32_t column)
{
    const uint32_t per_byte = 8 / matrix->bits;
    const uint32_t byte = matrix->weights[(size_t)row * matrix->row_bytes + column / per_byte];
    const uint32_t code = byte >> (column % per_byte * matrix->bits) & ((1u << matrix->bits) - 1u);
    return (int32_t)code - (matrix->bits == 8 ? (int32_t)(code & 128u) * 2 : matrix->bits == 4 ? 8 : 1);
}

/* What a status means, in a few words. */
const char *tz_weight_file_text(tz_weight_file_status_t status);

#endif
