/* Runs kernels on cases prepared elsewhere: reads cases.bin, writes results.bin, in the folder where it is started.
 *
 *   case:   int32 kernel, generic, parameters[8], buffers; then per buffer int32 bytes, offset, fenced, returned;
 *           then the buffers' contents
 *   result: int32 instructions, intact; then the contents of the buffers that are returned */
#include "board.h"
#include "textzoo/dot_rows_s16.h"
#include "textzoo/dot_rows_s8.h"
#include "textzoo/fully_connected_s16.h"
#include "textzoo/fully_connected_s8.h"
#include "textzoo/weighted_sum_s16.h"
#include "textzoo/weighted_sum_s8.h"

enum { PARAMETERS = 8, BUFFERS = 8 };

typedef struct {
    int32_t kernel;  /* index into `kernels` */
    int32_t generic; /* 1: the generic kernel, 0: the variant */
    int32_t parameters[PARAMETERS];
    int32_t buffer_count;
} case_t;

typedef struct {
    int32_t bytes, offset, fenced, returned;
} buffer_t;

typedef void attention_part_t(const int8_t *rows, int32_t count, int32_t length, const int16_t *factors, int32_t *sums);

typedef void fully_connected_t(const tz_fully_connected_s8_t *, const int8_t *input, int8_t *output, void *scratch);

fully_connected_t generic_fully_connected_s8, generic_fully_connected_s8_w4, generic_fully_connected_s8_w2;
fully_connected_t generic_fully_connected_s8_b3, generic_fully_connected_s8_sparse;
attention_part_t generic_dot_rows_s8, generic_weighted_sum_s8;
void generic_fully_connected_s16(const tz_fully_connected_s16_t *, const int16_t *, int16_t *, void *);
void generic_dot_rows_s16(const int16_t *, int32_t, int32_t, const int16_t *, tz_wide_scale_t, int16_t *);
void generic_weighted_sum_s16(const int16_t *, int32_t, int32_t, const int16_t *, int32_t *);

/* buffers: weights, bias, multipliers, shifts, input, output, scratch */
static int32_t fully_connected(fully_connected_t *kernel, const case_t *job, void **buffers)
{
    const int32_t *numbers = job->parameters;
    const tz_fully_connected_s8_t layer = {
        buffers[0], buffers[1], buffers[2], buffers[3], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5],
    };
    board_counter_start();
    kernel(&layer, buffers[4], buffers[5], buffers[6]);
    return (int32_t)board_counter_stop();
}

static int32_t fully_connected_s8(const case_t *job, void **buffers)
{
    return fully_connected(job->generic ? generic_fully_connected_s8 : tz_fully_connected_s8, job, buffers);
}

static int32_t fully_connected_s8_w4(const case_t *job, void **buffers)
{
    return fully_connected(job->generic ? generic_fully_connected_s8_w4 : tz_fully_connected_s8_w4, job, buffers);
}

static int32_t fully_connected_s8_w2(const case_t *job, void **buffers)
{
    return fully_connected(job->generic ? generic_fully_connected_s8_w2 : tz_fully_connected_s8_w2, job, buffers);
}

static int32_t fully_connected_s8_b3(const case_t *job, void **buffers)
{
    return fully_connected(job->generic ? generic_fully_connected_s8_b3 : tz_fully_connected_s8_b3, job, buffers);
}

static int32_t fully_connected_s8_sparse(const case_t *job, void **buffers)
{
    return fully_connected(job->generic ? generic_fully_connected_s8_sparse : tz_fully_connected_s8_sparse, job,
                           buffers);
}

/* buffers: rows, vector or weights, sums */
static int32_t attention_part(attention_part_t *kernel, const case_t *job, void **buffers)
{
    board_counter_start();
    kernel(buffers[0], job->parameters[0], job->parameters[1], buffers[1], buffers[2]);
    return (int32_t)board_counter_stop();
}

static int32_t dot_rows_s8(const case_t *job, void **buffers)
{
    return attention_part(job->generic ? generic_dot_rows_s8 : tz_dot_rows_s8, job, buffers);
}

static int32_t weighted_sum_s8(const case_t *job, void **buffers)
{
    return attention_part(job->generic ? generic_weighted_sum_s8 : tz_weighted_sum_s8, job, buffers);
}

/* buffers: weights, bias, multipliers, low_multipliers, shifts, input, output, scratch */
static int32_t fully_connected_s16(const case_t *job, void **buffers)
{
    const int32_t *numbers = job->parameters;
    const tz_fully_connected_s16_t layer = {
        buffers[0], buffers[1], buffers[2], buffers[4], buffers[3], numbers[0], numbers[1], numbers[2], numbers[3],
    };
    board_counter_start();
    (job->generic ? generic_fully_connected_s16 : tz_fully_connected_s16)(&layer, buffers[5], buffers[6], buffers[7]);
    return (int32_t)board_counter_stop();
}

/* buffers: rows, vector, scores */
static int32_t dot_rows_s16(const case_t *job, void **buffers)
{
    const int32_t *numbers = job->parameters;
    const tz_wide_scale_t scale = {numbers[2], numbers[3]};
    board_counter_start();
    (job->generic ? generic_dot_rows_s16 : tz_dot_rows_s16)(buffers[0], numbers[0], numbers[1], buffers[1], scale,
                                                            buffers[2]);
    return (int32_t)board_counter_stop();
}

/* buffers: rows, weights, sums */
static int32_t weighted_sum_s16(const case_t *job, void **buffers)
{
    const int32_t *numbers = job->parameters;
    board_counter_start();
    (job->generic ? generic_weighted_sum_s16 : tz_weighted_sum_s16)(buffers[0], numbers[0], numbers[1], buffers[1],
                                                                    buffers[2]);
    return (int32_t)board_counter_stop();
}

static int32_t (*const kernels[])(const case_t *, void **) = {
    fully_connected_s8,    dot_rows_s8,         weighted_sum_s8, fully_connected_s8_w4,
    fully_connected_s8_w2, fully_connected_s16, dot_rows_s16,    weighted_sum_s16,
    fully_connected_s8_b3, fully_connected_s8_sparse,
};

static void load_buffers(int file, const case_t *job, buffer_t *shapes, void **buffers)
{
    const uint32_t count = (uint32_t)job->buffer_count;
    board_read(file, shapes, count * sizeof *shapes);
    for (uint32_t index = 0; index < count; ++index) {
        const uint32_t bytes = (uint32_t)shapes[index].bytes;
        buffers[index] = board_allocate(bytes, (uint32_t)shapes[index].offset, shapes[index].fenced);
        board_read(file, buffers[index], bytes);
    }
}

static void run_case(const case_t *job, int cases, int results)
{
    buffer_t shapes[BUFFERS];
    void *buffers[BUFFERS];
    load_buffers(cases, job, shapes, buffers);
    const int32_t instructions = kernels[job->kernel](job, buffers);
    const int32_t intact = board_intact();
    board_write(results, &instructions, sizeof instructions);
    board_write(results, &intact, sizeof intact);
    for (int32_t index = 0; index < job->buffer_count; ++index) {
        if (shapes[index].returned) {
            board_write(results, buffers[index], (uint32_t)shapes[index].bytes);
        }
    }
    board_free_all();
}

int main(void)
{
    case_t job;
    const int cases = board_open("cases.bin", 0);
    const int results = board_open("results.bin", 1);
    while (board_read(cases, &job, sizeof job) == sizeof job) {
        run_case(&job, cases, results);
    }
    board_print("done\n");
    return 0;
}
