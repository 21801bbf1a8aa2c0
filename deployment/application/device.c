#include "device.h"

#include "defaults.h"
#include "memory.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "reply.h"
#ifdef MODEL_SECOND_CORE
#include "textzoo/parallel.h"
#endif

/* What a measurement on a board is published with; GCC's __VERSION__ lacks its name. */
#if defined(__clang__)
#define COMPILER __VERSION__
#elif defined(__GNUC__)
#define COMPILER "GCC " __VERSION__
#else
#define COMPILER "unknown"
#endif

bool device_weights_right(void)
{
    return model_weights_crc32() == MODEL_WEIGHTS_CRC32;
}

void device_reply_identity(void)
{
    reply_number("protocol", PROTOCOL_VERSION);
    reply_text("model", MODEL_NAME);
    reply_number("version", MODEL_VERSION);
    reply_text("hash", MODEL_HASH);
    reply_text("board", PROJECT_BOARD);
}

void device_reply_counter(void)
{
    reply_text("counter", port_counter_name());
    reply_text("compiler", COMPILER);
    if (!reply_is_signed()) { /* otherwise the last line has it anyway */
        reply_number("boot", reply_boot());
    }
}

void device_memory(void)
{
    reply_last("memory");
    reply_number("weight_bytes", MODEL_WEIGHT_BYTES);
    reply_number("state_bytes", MODEL_STATE_BYTES);
    reply_number("arena_bytes", MODEL_ARENA_BYTES);
    if (memory_stack_reserved() > 0) {
        reply_number("stack_bytes", memory_stack_used());
        reply_number("stack_reserved_bytes", memory_stack_reserved());
    }
#ifdef MODEL_SECOND_CORE
    if (tz_parallel_stack_reserved() > 0) {
        reply_number("second_stack_bytes", tz_parallel_stack_used());
        reply_number("second_stack_reserved_bytes", tz_parallel_stack_reserved());
    }
#endif
    reply_end();
}

void device_exit(void)
{
    reply_last("exit");
    reply_end();
    port_exit(0);
}

void device_release(void)
{
    reply_last("release");
    reply_end();
}
