/* Any core. Weights as in packed_rows.h, four in a byte, each + 1: (rows, (columns + 3) / 4) bytes. No scratch. */
#include "packed_rows.h"

static int32_t dot_row_w2(const uint8_t *weights, const int8_t *input, int32_t columns)
{
    int32_t sum = 0;
    for (; columns >= 4; columns -= 4, input += 4, ++weights) {
        sum += input[0] * (*weights & 3) + input[1] * (*weights >> 2 & 3);
        sum += input[2] * (*weights >> 4 & 3) + input[3] * (*weights >> 6);
    }
    for (int32_t column = 0; column < columns; ++column) {
        sum += input[column] * (*weights >> 2 * column & 3);
    }
    return sum;
}

void tz_fully_connected_s8_w2(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    fully_connected(layer, input, output, 4, 1, dot_row_w2);
}
