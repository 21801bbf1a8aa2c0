/* Answers for weights.tzw on standard input: int32 offset behind a multiple of 16 bytes, int32 length, the file; the answer
 * is int32 status and, if the file is right, the number of matrices, then for each its name (64), rows, columns, bits,
 * zero point, weights (rows, columns) int8, scales (rows) float. Each file lies in memory of its own that ends with it. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weight_file.h"

static void put(const void *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, stdout) != count) {
        exit(2);
    }
}

static void put_number(uint32_t number)
{
    put(&number, sizeof number);
}

static void put_matrix(const tz_weight_matrix_t *matrix)
{
    char name[64] = {0};
    memcpy(name, matrix->name, strlen(matrix->name));
    put(name, sizeof name);
    put_number(matrix->rows);
    put_number(matrix->columns);
    put_number(matrix->bits);
    put_number((uint32_t)matrix->zero_point);
    for (uint32_t row = 0; row < matrix->rows; ++row) {
        for (uint32_t column = 0; column < matrix->columns; ++column) {
            const int8_t weight = (int8_t)tz_weight_at(matrix, row, column);
            put(&weight, 1);
        }
    }
    put(matrix->scales, matrix->rows * sizeof *matrix->scales);
}

/* By number and by name it is the same matrix, unless an earlier one has that name. */
static int is_found(const tz_weight_file_t *file, const tz_weight_matrix_t *matrix)
{
    tz_weight_matrix_t found;
    return tz_weight_file_find(file, matrix->name, &found) == TZ_WEIGHT_FILE_OK &&
           strcmp(found.name, matrix->name) == 0 && found.name <= matrix->name;
}

static void answer(const void *bytes, size_t length)
{
    tz_weight_file_t file;
    tz_weight_matrix_t matrix;
    const tz_weight_file_status_t status = tz_weight_file_open(&file, bytes, length);
    put_number(status);
    if (status != TZ_WEIGHT_FILE_OK) {
        return;
    }
    put_number(file.count);
    for (uint32_t index = 0; index < file.count; ++index) {
        if (tz_weight_file_at(&file, index, &matrix) != TZ_WEIGHT_FILE_OK || !is_found(&file, &matrix)) {
            exit(3);
        }
        put_matrix(&matrix);
    }
    if (tz_weight_file_at(&file, file.count, &matrix) != TZ_WEIGHT_FILE_ABSENT ||
        tz_weight_file_find(&file, "no such matrix", &matrix) != TZ_WEIGHT_FILE_ABSENT) {
        exit(4);
    }
}

int main(void)
{
    int32_t numbers[2];
    while (fread(numbers, sizeof numbers, 1, stdin) == 1) {
        const size_t offset = (size_t)numbers[0], length = (size_t)numbers[1];
        void *memory = NULL;
        if (posix_memalign(&memory, 16, offset + length + (offset + length == 0)) != 0 ||
            fread((char *)memory + offset, 1, length, stdin) != length) {
            return 1;
        }
        answer((char *)memory + offset, length);
        fflush(stdout);
        free(memory);
    }
    return 0;
}
