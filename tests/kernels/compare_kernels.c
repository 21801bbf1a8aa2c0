/* Kernels of one variant beside the generic ones, whose names begin with generic_: random numbers within the contracts,
 * extremes among them. Prints "right", or the first kernel that differs. tables.h: exponentials[TABLES][256] int32 and
 * their distances, exponentials_p16[TABLES][256] and reciprocals[513] int16. */
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "tables.h"
#include "textzoo/attention_s8.h"
#include "textzoo/layer_norm_linear_s8.h"
#include "textzoo/linear_sum_s8.h"

void generic_attention_s8(const tz_attention_s8_t *, const int8_t *, const int8_t *, const int8_t *, const int32_t *,
                          int8_t *, void *);
void generic_attention_s8_p16(const tz_attention_s8_t *, const int8_t *, const int8_t *, const int8_t *,
                              const int32_t *, int16_t *, void *);
void generic_linear_sum_s8(const tz_linear_sum_s8_t *, const int8_t *, const int8_t *, int8_t *);
void generic_layer_norm_linear_s8(const tz_layer_norm_linear_s8_t *, const int8_t *, int8_t *);

enum { HEADS = 2, CONTEXT = 200, WIDTH = 72, LONGEST = 150, ROUNDS = 300 };

static uint32_t state = 1;

static int32_t between(int32_t low, int32_t high)
{
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return low + (int32_t)(state % (uint32_t)(high - low + 1));
}

/* Any bytes, or those of both ends, or of a few values, or one value. */
static void fill(int8_t *bytes, int32_t count)
{
    static const struct {
        int32_t low, high;
    } ranges[] = {{-128, 127}, {-128, 127}, {-3, 3}, {127, 127}, {-128, -128}};
    const int32_t kind = between(0, 5);
    for (int32_t i = 0; i < count; ++i) {
        bytes[i] = (int8_t)(kind == 5 ? 255 * between(0, 1) - 128 : between(ranges[kind].low, ranges[kind].high));
    }
}

static tz_hoisted_t hoisted(int32_t right_low, int32_t right_high)
{
    return (tz_hoisted_t){between(1 << 30, INT32_MAX), 1, between(right_low, right_high), 2 * between(-128, 127) + 1};
}

static int32_t one_of(const int32_t *values, int32_t count)
{
    return values[between(0, count - 1)];
}

static int8_t query[HEADS * WIDTH], keys[HEADS * CONTEXT * WIDTH + 3], values[HEADS * CONTEXT * WIDTH + 3];
static int16_t outputs[2][HEADS * WIDTH];
static int32_t scratch[CONTEXT + 2 * WIDTH];

static int attention_is_right(int is_wide)
{
    static const int32_t contexts[] = {1, 2, 5, 24, 33, 64, CONTEXT}, widths[] = {1, 4, 7, 8, 12, 16, 40, 64, WIDTH};
    const int32_t table = between(0, TABLES - 1), context = one_of(contexts, 7), width = one_of(widths, 9);
    const tz_attention_s8_t attention = {
        .exponentials = is_wide ? (const void *)exponentials_p16[table] : exponentials[table],
        .reciprocals = is_wide ? reciprocals : 0,
        .distances = is_wide ? 256 : distances[table],
        .heads = between(1, HEADS), .context = context, .width = width,
        .query_zero_point = between(-128, 127), .key_zero_point = between(-128, 127),
        .value_zero_point = between(-128, 127), .score = hoisted(4, 13), .masked_score = between(-128, 127),
        .output = hoisted(3, 9), .wide_multiplier = between(1 << 14, INT16_MAX), .wide_shift = between(-9, 0),
    };
    const int32_t last = between(0, 1) ? context : between(-1, context), offset = between(0, 3);
    fill(query, HEADS * WIDTH), fill(keys, (int32_t)sizeof keys), fill(values, (int32_t)sizeof values);
    memset(outputs, 0, sizeof outputs);
    if (is_wide) {
        tz_attention_s8_p16(&attention, query, keys + offset, values + offset, &last, outputs[0], scratch);
        generic_attention_s8_p16(&attention, query, keys + offset, values + offset, &last, outputs[1], scratch);
    } else {
        int8_t *const narrow[2] = {(int8_t *)outputs[0], (int8_t *)outputs[1]};
        tz_attention_s8(&attention, query, keys + offset, values + offset, &last, narrow[0], scratch);
        generic_attention_s8(&attention, query, keys + offset, values + offset, &last, narrow[1], scratch);
    }
    return memcmp(outputs[0], outputs[1], sizeof outputs[0]) == 0;
}

static int sum_is_right(void)
{
    static int8_t a[LONGEST + 3], b[LONGEST], made[2][LONGEST];
    const int32_t largest = (1 << 23) - 1;
    const tz_linear_sum_s8_t sum = {between(1, LONGEST), between(-largest, largest) / 2, between(-largest, largest) / 2,
                                    between(-(1 << 29), 1 << 29)};
    fill(a, LONGEST + 3), fill(b, LONGEST);
    memset(made, 0, sizeof made);
    tz_linear_sum_s8(&sum, a + (sum.count & 3), b, made[0]);
    generic_linear_sum_s8(&sum, a + (sum.count & 3), b, made[1]);
    return memcmp(made[0], made[1], LONGEST) == 0;
}

static tz_scale_t scale(void)
{
    return (tz_scale_t){between(-128, 127), between(1 << 30, INT32_MAX), between(-12, 0)};
}

static int norm_is_right(void)
{
    static int8_t table[256], gain[LONGEST], input[LONGEST], made[2][LONGEST];
    const int32_t width = between(1, LONGEST), zero_point = between(-128, 127), largest = (1 << 22) - 1;
    const tz_layer_norm_linear_s8_t norm = {
        .table = table, .gain = gain, .width = width, .mean_offset = width * between(-128, 127),
        .mean = scale(), .square = scale(), .difference_zero_point = zero_point,
        .factor_zero_point = between(-128, 127), .table_zero_point = between(-128, 127),
        .gain_zero_point = between(-128, 127), .input_factor = between(-largest, largest),
        .mean_factor = between(-largest, largest), .difference_offset = between(-(1 << 29), 1 << 29),
        .factor = {between(1 << 22, (1 << 23) - 1), between(-(1 << 24), 1 << 24), between(1, 22)},
        .product = hoisted(0, 8),
    };
    fill(table, 256), fill(gain, LONGEST), fill(input, LONGEST);
    memset(made, 0, sizeof made);
    memcpy(made[0], input, (size_t)width); /* output may be the input */
    tz_layer_norm_linear_s8(&norm, made[0], made[0]);
    generic_layer_norm_linear_s8(&norm, input, made[1]);
    return memcmp(made[0], made[1], LONGEST) == 0;
}

int main(void)
{
    const char *wrong = "right";
    for (int round = 0; round < ROUNDS; ++round) {
        wrong = attention_is_right(0) ? wrong : "attention_s8";
        wrong = attention_is_right(1) ? wrong : "attention_s8_p16";
        wrong = sum_is_right() ? wrong : "linear_sum_s8";
        wrong = norm_is_right() ? wrong : "layer_norm_linear_s8";
    }
    board_print(wrong);
    return 0;
}
