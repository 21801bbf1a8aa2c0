/* The generic kernels under names of their own, to stand beside a variant in one program. */
#define tz_fully_connected_s8 generic_fully_connected_s8

#include "../../deployment/runtime/generic/fully_connected_s8.c"
