/* Cortex-M cores with the DSP extension: 5.5 instructions per element in the loop.
 *
 * SMLAWB and SMLAWT add a product of 32 and 16 bits without its lowest 16 bits. The operands are taken four at a time, as
 * pairs of bytes that each lie in the upper half of 16 bits, hence times 2^8; the factors are times 2^8 as well. So the
 * lowest 16 bits are 0, and nothing is lost. */
#include "textzoo/linear_sum_s8.h"

#include <arm_acle.h>
#include <string.h>

#include "textzoo/fixedpoint.h"

enum { GROUP = 4 };

static inline uint32_t load_word(const int8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline int8_t output_of(int32_t value)
{
    return (int8_t)tz_clamp_shifted(value, TZ_LINEAR_SHIFT, INT8_MIN, INT8_MAX);
}

void tz_linear_sum_s8(const tz_linear_sum_s8_t *sum, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t a_factor = sum->a_factor, b_factor = sum->b_factor, offset = sum->offset;
    const int32_t a_raised = a_factor * 256, b_raised = b_factor * 256;
    uint32_t upper = 0xFF00FF00u;
    __asm__("" : "+r"(upper)); /* in a register, so that AND can shift the other operand */
    int8_t *const end = output + sum->count, *const whole_end = output + (sum->count & -GROUP);
    for (; output != whole_end; a += GROUP, b += GROUP, output += GROUP) {
        const uint32_t a_word = load_word(a), b_word = load_word(b);
        const int32_t a_even = (int32_t)(a_word << 8 & upper), b_even = (int32_t)(b_word << 8 & upper);
        const int32_t a_odd = (int32_t)(a_word & upper), b_odd = (int32_t)(b_word & upper);
        output[0] = output_of(__smlawb(b_raised, b_even, __smlawb(a_raised, a_even, offset)));
        output[1] = output_of(__smlawb(b_raised, b_odd, __smlawb(a_raised, a_odd, offset)));
        output[2] = output_of(__smlawt(b_raised, b_even, __smlawt(a_raised, a_even, offset)));
        output[3] = output_of(__smlawt(b_raised, b_odd, __smlawt(a_raised, a_odd, offset)));
    }
    for (; output != end; ++a, ++b, ++output) {
        *output = output_of(offset + *a * a_factor + *b * b_factor);
    }
}
