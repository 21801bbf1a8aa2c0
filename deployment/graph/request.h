/* The request of a command of the console of plain graphs. */
#ifndef TEXTZOO_REQUEST_H
#define TEXTZOO_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "protocol.h"

#define REQUEST_GREETING PROTOCOL_GRAPH_GREETING

typedef struct {
    bool has_hex;
    json_value_t hex;  /* `input`: its bytes as pairs of hexadecimal digits */
    uint32_t index;    /* `input`: of the input, in the order of model_inputs */
    uint32_t at;       /* `input`: where the bytes are stored */
    bool is_repeated;  /* the previous command again, because its answer did not arrive undamaged */
    bool is_next;      /* directly follows the previous command */
} request_t;

#endif
