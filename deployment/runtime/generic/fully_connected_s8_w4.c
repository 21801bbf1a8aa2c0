/* Any core. Weights as in packed_rows.h, two in a byte, each + 8: (rows, (columns + 1) / 2) bytes. No scratch. */
#include "packed_rows.h"

static int32_t dot_row_w4(const uint8_t *weights, const int8_t *input, int32_t columns)
{
    int32_t sum = 0;
    for (; columns >= 2; columns -= 2, input += 2, ++weights) {
        sum += input[0] * (*weights & 15) + input[1] * (*weights >> 4);
    }
    return columns ? sum + input[0] * (*weights & 15) : sum;
}

void tz_fully_connected_s8_w4(const tz_fully_connected_s8_t *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    fully_connected(layer, input, output, 2, 8, dot_row_w4);
}
