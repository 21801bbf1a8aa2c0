/* Shared by the variants of lstm_s8.h: what comes behind the products of matrices. */
#ifndef TEXTZOO_LSTM_CELLS_H
#define TEXTZOO_LSTM_CELLS_H

#include "textzoo/gate_functions.h"
#include "textzoo/lstm_s8.h"

/* The gate's sum with one more product, saturated. */
static inline int16_t tz_gate_with(int32_t gate, int32_t sum, int32_t multiplier, int32_t shift)
{
    return (int16_t)tz_saturate_s16(gate + tz_scale_double(sum, multiplier, (int)shift));
}

/* The cells and the hidden state after a step; gates: (gates, cells), before their functions. */
static inline void tz_update_cells(const tz_lstm_s8_t *layer, const int16_t *gates, int16_t *cell, int8_t *hidden)
{
    const int16_t *forget = gates, *update = forget + layer->cells, *output = update + layer->cells;
    const int16_t *input = output + layer->cells;
    for (int32_t n = 0; n < layer->cells; ++n) {
        const int32_t f = tz_logistic_s16(forget[n]);
        const int32_t i = layer->gates == TZ_LSTM_GATES ? tz_logistic_s16(input[n]) : INT16_MAX - f;
        const int32_t kept = tz_divide_by_power(f * cell[n], 15);
        const int32_t added = tz_divide_by_power(i * tz_tanh_s16(update[n], 3), (int)layer->cell_shift);
        int32_t now = tz_saturate_s16(kept + added);
        if (layer->cell_clip > 0) {
            now = tz_clamp(now, -layer->cell_clip, layer->cell_clip);
        }
        const int32_t shown = tz_logistic_s16(output[n]) * tz_tanh_s16(now, (int)layer->cell_bits);
        const int32_t scaled = tz_scale_double(shown, layer->hidden_multiplier, (int)layer->hidden_shift);
        cell[n] = (int16_t)now;
        hidden[n] = (int8_t)tz_clamp(scaled + layer->hidden_zero_point, INT8_MIN, INT8_MAX);
    }
}

#endif
