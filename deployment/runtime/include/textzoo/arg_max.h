/* ARG_MAX and ARG_MIN along one axis: the first of equal ones. */
#ifndef TEXTZOO_ARG_MAX_H
#define TEXTZOO_ARG_MAX_H

#include <stdint.h>

typedef struct {
    int32_t outer, positions, inner; /* the input's three axes, >= 1 each */
} tz_arg_max_t;

/* input: (outer, positions, inner); output: (outer, inner), in [0, positions). _u8: values 0 and 1. */
void tz_arg_max_s8(const tz_arg_max_t *arg_max, const int8_t *input, int32_t *output);
void tz_arg_max_s32(const tz_arg_max_t *arg_max, const int32_t *input, int32_t *output);
void tz_arg_max_u8(const tz_arg_max_t *arg_max, const uint8_t *input, int32_t *output);
void tz_arg_min_s8(const tz_arg_max_t *arg_max, const int8_t *input, int32_t *output);
void tz_arg_min_s32(const tz_arg_max_t *arg_max, const int32_t *input, int32_t *output);
void tz_arg_min_u8(const tz_arg_max_t *arg_max, const uint8_t *input, int32_t *output);

#endif
