#include "commands.h"

#include "benchmark.h"
#include "device.h"
#include "graph.h"
#include "inputs.h"
#include "interruption.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "reply.h"
#include "self_check.h"
#include "text.h"

/* Bytes of an output in one line of an answer. */
enum { PIECE_BYTES = 192 };

/* The last inference of the inputs given. */
static struct {
    bool is_there; /* its outputs are still in their memory */
    uint64_t cost;
} latest;

/* The first command after an inference that writes into the memory of the model. */
static void forget(void)
{
    latest.is_there = false;
}

static void reply_tensor(const char *of, size_t index, const model_tensor_t *tensor, const graph_format_t *format)
{
    reply_line("info");
    reply_text("of", of);
    reply_number("index", index);
    reply_text("name", tensor->name);
    reply_text("type", format->type);
    reply_text("shape", format->shape);
    reply_number("bytes", tensor->bytes);
    if (format->scale[0] != 0) {
        reply_text("scale", format->scale);
        reply_signed("zero_point", format->zero_point);
    }
    reply_end();
}

static void command_info(const request_t *request)
{
    (void)request;
    for (size_t index = 0; index < MODEL_INPUTS; ++index) {
        reply_tensor("inputs", index, &model_inputs[index], &graph_inputs[index]);
    }
    for (size_t index = 0; index < MODEL_OUTPUTS; ++index) {
        reply_tensor("outputs", index, &model_outputs[index], &graph_outputs[index]);
    }
    reply_last("info");
    device_reply_identity();
    reply_number("inputs", MODEL_INPUTS);
    reply_number("outputs", MODEL_OUTPUTS);
    reply_number("macs_per_inference", MODEL_MACS);
    device_reply_counter();
    reply_end();
}

/* hex: (digits) of an input, 0 <= index < MODEL_INPUTS. */
static void store(size_t index, size_t at, const char *hex, size_t digits)
{
    const char *wrong = inputs_store(index, at, hex, digits);
    if (wrong != NULL) {
        reply_error("input", wrong, NULL, 0);
        return;
    }
    forget();
    reply_last("input");
    reply_number("index", index);
    reply_number("bytes", inputs_filled(index));
    reply_number("of", model_inputs[index].bytes);
    reply_end();
}

static void command_input(const request_t *request)
{
    if (!request->has_hex) {
        reply_error("input", "hex is missing", NULL, 0);
    } else if (request->index >= MODEL_INPUTS) {
        reply_error("input", "there is no input of this index", NULL, 0);
    } else {
        store(request->index, request->at, request->hex.text, request->hex.bytes);
    }
}

static void reply_piece(size_t index, size_t at)
{
    const model_tensor_t *output = &model_outputs[index];
    const uint8_t *bytes = output->data;
    const size_t end = output->bytes - at < PIECE_BYTES ? output->bytes : at + PIECE_BYTES;
    reply_line("run");
    reply_number("index", index);
    reply_number("at", at);
    reply_hex_begin("hex");
    while (at < end) {
        reply_hex_byte(bytes[at++]);
    }
    reply_hex_end();
    reply_end();
}

/* False if it was interrupted. */
static bool reply_outputs(void)
{
    for (size_t index = 0; index < MODEL_OUTPUTS; ++index) {
        for (size_t at = 0; at < model_outputs[index].bytes; at += PIECE_BYTES) {
            if (interruption_due()) {
                return false;
            }
            reply_piece(index, at);
        }
    }
    return true;
}

/* A repeated command replies the outputs of the inference that it made the first time, whose inputs are gone. */
static void command_run(const request_t *request)
{
    if (!(request->is_repeated && latest.is_there)) {
        const size_t incomplete = inputs_incomplete();
        if (incomplete < MODEL_INPUTS) {
            reply_error("run", "an input is not complete", model_inputs[incomplete].name,
                        text_length(model_inputs[incomplete].name));
            return;
        }
        latest.cost = benchmark_inference();
        latest.is_there = true;
        inputs_forget();
    }
    interruption_begin(request->is_repeated);
    if (!reply_outputs()) {
        reply_error("run", PROTOCOL_INTERRUPTED, NULL, 0);
        return;
    }
    reply_last("run");
    reply_number("outputs", MODEL_OUTPUTS);
    reply_number("cost", latest.cost);
    reply_text("counter", port_counter_name());
    reply_hex32("crc32", self_check_outputs());
    reply_end();
}

static void command_benchmark(const request_t *request)
{
    forget();
    interruption_begin(request->is_repeated);
    benchmark_run();
}

static void command_self_check(const request_t *request)
{
    (void)request;
    forget();
    reply_last("self_check");
    reply_flag("weights", device_weights_right());
    reply_flag("kernels", self_check_kernels());
    reply_end();
}

static void command_memory(const request_t *request)
{
    (void)request;
    device_memory();
}

static void command_reset(const request_t *request)
{
    (void)request;
    forget();
    inputs_forget();
    reply_last("reset");
    reply_end();
}

static void command_exit(const request_t *request)
{
    (void)request;
    device_exit();
}

static void command_release(const request_t *request)
{
    (void)request;
    device_release();
}

/* `check` is the interactive name of `self_check`. */
command_t commands_find(const char *name, size_t bytes)
{
    static const struct {
        const char *name;
        command_t run;
    } table[] = {
        {"info", command_info},     {"input", command_input},           {"run", command_run},
        {"memory", command_memory}, {"benchmark", command_benchmark},   {"self_check", command_self_check},
        {"check", command_self_check}, {"reset", command_reset},        {"exit", command_exit},
        {"release", command_release},
    };
    for (size_t index = 0; index < sizeof table / sizeof *table; ++index) {
        if (text_is(name, bytes, table[index].name)) {
            return table[index].run;
        }
    }
    return NULL;
}

void commands_begin(void)
{
    inputs_forget();
}

void commands_help(void)
{
    write_text("A line of hexadecimal digits gives the next bytes of the inputs. Commands:\n"
               ":run (when all bytes are there)  :reset (forgets them)\n"
               ":info  :check  :benchmark  :memory  :exit\n"
               "Machines send one JSON object per line: {\"command\":\"info\"}\n");
}

void commands_write_checked(void)
{
    write_text("the outputs of the stored inputs");
}

bool commands_option(const char *name, size_t name_bytes, char *value, size_t value_bytes)
{
    (void)name;
    (void)name_bytes;
    (void)value;
    (void)value_bytes;
    return false;
}

/* The next bytes of the first input that is not complete. */
void commands_line(const char *line, size_t bytes)
{
    const size_t index = inputs_incomplete();
    if (index == MODEL_INPUTS) {
        reply_error("input", "all inputs are complete: type :run, or :reset", NULL, 0);
    } else {
        store(index, inputs_filled(index), line, bytes);
    }
}
