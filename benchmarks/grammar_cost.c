/* Writes texts under a grammar on an emulated core and counts the instructions of grammar.c and span.c. cases.bin: the number
 * of texts; for each the bytes of its input and the input, the number of its tokens and the tokens (int32). counts.bin:
 * for each text the instructions of taking the input, of beginning, and of going on behind each token (uint32). */
#include "board.h"
#include "grammar.h"

enum { MAX_INPUT = 1024, MAX_TOKENS = 512 };

static char input[MAX_INPUT];
static int32_t tokens[MAX_TOKENS];
static int counts;

static void write_count(void)
{
    const uint32_t count = board_counter_stop();
    board_write(counts, &count, sizeof count);
}

static int32_t read_number(int cases)
{
    int32_t number = 0;
    board_read(cases, &number, sizeof number);
    return number;
}

static void take_input(int32_t bytes)
{
    board_counter_start();
#if GRAMMAR_HAS_SPANS
    grammar_input(input, (size_t)bytes);
#else
    (void)bytes;
#endif
    write_count();
}

/* 1 if a token may not come. */
static int write_text(int32_t count)
{
    board_counter_start();
    grammar_begin(true, count);
    write_count();
    for (int32_t index = 0; index < count; ++index) {
        if (!grammar_allows(tokens[index])) {
            return 1;
        }
        board_counter_start();
        grammar_advance(tokens[index], count - index - 1);
        write_count();
    }
    return 0;
}

int main(void)
{
    const int cases = board_open("cases.bin", 0);
    counts = board_open("counts.bin", 1);
    for (int32_t texts = read_number(cases); texts > 0; --texts) {
        const int32_t bytes = read_number(cases);
        board_read(cases, input, (uint32_t)bytes);
        const int32_t count = read_number(cases);
        board_read(cases, tokens, (uint32_t)count * (uint32_t)sizeof *tokens);
        take_input(bytes);
        if (write_text(count) != 0) {
            return 1;
        }
    }
    return 0;
}
