/* Cortex-M cores with the DSP extension: four elements at a time; some 20 instructions per element.
 *
 * USADA8 adds up four bytes that were made positive. SXTAB16 takes a zero point off two bytes while it widens them, and
 * SMLAD adds up their squares. SMLAWB and SMLAWT drop the lowest 16 bits of a product of 32 and 16 bits, as
 * tz_scaled_product does. The differences to the mean are computed as dsp/linear_sum_s8.c computes sums. */
#include "textzoo/layer_norm_linear_s8.h"

#include <arm_acle.h>
#include <string.h>

#include "../internal/layer_norm_parts.h"
#include "textzoo/linear_sum_s8.h"

enum { GROUP = 4, BIAS = 128 };

static inline uint32_t load_word(const int8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Both halves of a word: minus a zero point. */
static inline int32_t negative_pair(int32_t zero_point)
{
    const uint32_t half = (uint16_t)-zero_point;
    return (int32_t)(half << 16 | half);
}

/* Bytes 1 and 3, added to the halves of `pair`. GCC knows the instruction, but not that it can rotate. */
static inline int32_t add_odd_bytes(int32_t pair, uint32_t bytes)
{
    int32_t sums;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sums) : "r"(pair), "r"(bytes));
    return sums;
}

static int32_t mean_of(const tz_layer_norm_linear_s8_t *norm, const int8_t *input)
{
    const int8_t *const end = input + norm->width, *const whole_end = input + (norm->width & -GROUP);
    uint32_t positive = 0;
    int32_t sum = -norm->mean_offset - BIAS * (norm->width & -GROUP);
#pragma GCC unroll 4
    for (; input != whole_end; input += GROUP) {
        positive = __usada8(load_word(input) ^ 0x80808080u, 0, positive);
    }
    for (; input != end; ++input) {
        sum += *input;
    }
    return tz_norm_to_int8(sum + (int32_t)positive, &norm->mean);
}

static inline int8_t difference_of(int32_t sum)
{
    return (int8_t)tz_clamp_shifted(sum, TZ_LINEAR_SHIFT, INT8_MIN, INT8_MAX);
}

/* The differences to the mean; returns the sum of their squares as int8. */
static int32_t differences(const tz_layer_norm_linear_s8_t *norm, const int8_t *input, int32_t mean, int8_t *output)
{
    const int32_t offset = norm->difference_offset + mean * norm->mean_factor, factor = norm->input_factor;
    const int32_t zero_point = norm->difference_zero_point, negative = negative_pair(zero_point);
    const int32_t raised = factor * 256;
    int8_t *const end = output + norm->width, *const whole_end = output + (norm->width & -GROUP);
    int32_t squares = 0;
    uint32_t upper = 0xFF00FF00u;
    __asm__("" : "+r"(upper)); /* in a register, so that AND can shift the other operand */
    for (; output != whole_end; input += GROUP, output += GROUP) {
        const uint32_t bytes = load_word(input);
        const int32_t even = (int32_t)(bytes << 8 & upper), odd = (int32_t)(bytes & upper);
        output[0] = difference_of(__smlawb(raised, even, offset));
        output[1] = difference_of(__smlawb(raised, odd, offset));
        output[2] = difference_of(__smlawt(raised, even, offset));
        output[3] = difference_of(__smlawt(raised, odd, offset));
        const uint32_t made = load_word(output);
        const int32_t first = __sxtab16(negative, (int32_t)made), second = add_odd_bytes(negative, made);
        squares = __smlad(first, first, __smlad(second, second, squares));
    }
    for (; output != end; ++input, ++output) {
        *output = difference_of(*input * factor + offset);
        squares += (*output - zero_point) * (*output - zero_point);
    }
    return tz_norm_to_int8(squares, &norm->square);
}

/* The product's scale without `left`: the factor is doubled in its place. */
typedef struct {
    int32_t multiplier, right, offset;
    int32_t factor_shift, doubled_zero_point; /* from the sum to the factor, less its zero point */
} tz_product_t;

/* Twice the factor less its zero point: 10 bits. */
static inline int32_t doubled_factor(int32_t sum, const tz_product_t *scale)
{
    return tz_clamp(sum >> scale->factor_shift, INT8_MIN, INT8_MAX) * 2 - scale->doubled_zero_point;
}

/* tz_norm_saturated of half the product. */
static inline int8_t output_of(int32_t product, const tz_product_t *scale)
{
    const int32_t upper = tz_upper_product(product, scale->multiplier);
    const int32_t sum = ((upper + (upper >> 31)) >> scale->right) + scale->offset;
    return (int8_t)tz_clamp_shifted(sum, 1, INT8_MIN, INT8_MAX);
}

void tz_layer_norm_linear_s8(const tz_layer_norm_linear_s8_t *norm, const int8_t *input, int8_t *output)
{
    const int32_t square = differences(norm, input, mean_of(norm, input), output);
    const int32_t deviation = norm->table[square + 128] - norm->table_zero_point;
    const int32_t raised = deviation * norm->factor.multiplier, offset = norm->factor.offset;
    const tz_product_t scale = {norm->product.multiplier, norm->product.right, norm->product.offset,
                                norm->factor.shift, 2 * norm->factor_zero_point};
    const int32_t no_gain = negative_pair(norm->gain_zero_point);
    const int32_t no_difference = negative_pair(norm->difference_zero_point);
    const int8_t *gain = norm->gain;
    int8_t *const end = output + norm->width, *const whole_end = output + (norm->width & -GROUP);
    for (; output != whole_end; gain += GROUP, output += GROUP) {
        const uint32_t gains = load_word(gain), centred = load_word(output);
        const int32_t even_gain = __sxtab16(no_gain, (int32_t)gains), odd_gain = add_odd_bytes(no_gain, gains);
        const int32_t even = __sxtab16(no_difference, (int32_t)centred), odd = add_odd_bytes(no_difference, centred);
        const int32_t first = doubled_factor(__smlawb(raised, even_gain, offset), &scale);
        output[0] = output_of(first * (int16_t)even, &scale);
        const int32_t second = doubled_factor(__smlawb(raised, odd_gain, offset), &scale);
        output[1] = output_of(second * (int16_t)odd, &scale);
        const int32_t third = doubled_factor(__smlawt(raised, even_gain, offset), &scale);
        output[2] = output_of(third * (even >> 16), &scale);
        const int32_t fourth = doubled_factor(__smlawt(raised, odd_gain, offset), &scale);
        output[3] = output_of(fourth * (odd >> 16), &scale);
    }
    for (; output != end; ++gain, ++output) {
        const int32_t factor = tz_scaled_product(deviation, *gain - norm->gain_zero_point, norm->factor);
        const int32_t centred = *output - norm->difference_zero_point;
        *output = (int8_t)tz_norm_saturated(centred * (factor - norm->factor_zero_point), norm->product);
    }
}
