/* UNIDIRECTIONAL_SEQUENCE_LSTM of integers: int8 activations, int16 gates and cells. Bit for bit LiteRT's reference. At each
 * step, for every gate (f forget, g cell, o output, i input) and cell n, with h the hidden state before the step:
 *
 *   a       = sat16(tz_scale_double(input_bias[n] + input . input_weights[n], its factor))
 *   gate[n] = sat16(a + tz_scale_double(recurrent_bias[n] + h . recurrent_weights[n], its factor))
 *   f, o, i = tz_logistic_s16(gate), g = tz_tanh_s16(gate, 3)
 *   cell[n] = clip(sat16(divide(f * cell[n], 15) + divide(i * g, cell_shift)))
 *   h[n]    = sat8(tz_scale_double(o * tz_tanh_s16(cell[n], cell_bits), hidden factor) + hidden_zero_point)
 *
 * divide is tz_divide_by_power; without an input gate i is 32767 - f. Zero points are folded into the biases. */
#ifndef TEXTZOO_LSTM_S8_H
#define TEXTZOO_LSTM_S8_H

#include <stdint.h>

enum { TZ_LSTM_GATES = 4 };

typedef struct {
    const void *input_weights;     /* (gates * cells, inputs), packed for the variant: see its .c file */
    const void *recurrent_weights; /* (gates * cells, cells), the same */
    const int32_t *input_bias;     /* (gates * cells) */
    const int32_t *recurrent_bias; /* (gates * cells) */
    int32_t input_multipliers[TZ_LSTM_GATES], input_shifts[TZ_LSTM_GATES];
    int32_t recurrent_multipliers[TZ_LSTM_GATES], recurrent_shifts[TZ_LSTM_GATES];
    int32_t gates;             /* in the order forget, cell, output, input: 4, or 3 without an input gate */
    int32_t inputs, cells;     /* >= 1 */
    int32_t batches, steps;    /* >= 1 */
    int32_t batch_stride;      /* vectors from one batch to the next */
    int32_t step_stride;       /* vectors from one step to the next */
    int32_t cell_shift;        /* [15, 21] */
    int32_t cell_bits;         /* integer bits of cells, [0, 6] */
    int32_t cell_clip;         /* [1, 32767]; or 0 where cells are not clipped */
    int32_t hidden_multiplier, hidden_shift;
    int32_t hidden_zero_point; /* [-128, 127] */
} tz_lstm_s8_t;

/* input: (vectors, inputs) int8; hidden: (batches, cells) int8 and cell: (batches, cells) int16, the states before;
 * output: (vectors, cells) int8; new_hidden: (batches, cells) int8 and new_cell: (batches, cells) int16, the states
 * after; none of these overlap; scratch: bytes as scratch_bytes.h says for the variant, 4-byte aligned, contents
 * undefined before and after. */
void tz_lstm_s8(const tz_lstm_s8_t *layer, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                int8_t *output, int8_t *new_hidden, int16_t *new_cell, void *scratch);

#endif
