/* The generic kernels under names of their own, to stand beside a variant in one program. */
#define tz_dot_rows_s16 generic_dot_rows_s16
#define tz_dot_rows_s8 generic_dot_rows_s8
#define tz_fully_connected_s16 generic_fully_connected_s16
#define tz_fully_connected_s8 generic_fully_connected_s8
#define tz_fully_connected_s8_b3 generic_fully_connected_s8_b3
#define tz_fully_connected_s8_sparse generic_fully_connected_s8_sparse
#define tz_fully_connected_s8_w2 generic_fully_connected_s8_w2
#define tz_fully_connected_s8_w4 generic_fully_connected_s8_w4
#define tz_weighted_sum_s16 generic_weighted_sum_s16
#define tz_weighted_sum_s8 generic_weighted_sum_s8

#include "generic/dot_rows_s16.c"
#include "generic/dot_rows_s8.c"
#include "generic/fully_connected_s16.c"
#include "generic/fully_connected_s8.c"
#include "generic/fully_connected_s8_b3.c"
#include "generic/fully_connected_s8_sparse.c"
#include "generic/fully_connected_s8_w2.c"
#include "generic/fully_connected_s8_w4.c"
#include "generic/weighted_sum_s16.c"
#include "generic/weighted_sum_s8.c"
