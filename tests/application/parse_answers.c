/* Reads answers as command.c does: for each "BYTES\n" and that many bytes on the standard input one line of hexadecimal
 * texts. The buffer has exactly the bytes of the answer, so that a sanitizer sees every access beyond it. */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"

static void write_hex(char kind, const char *text)
{
    printf(" %c", kind);
    for (; *text != 0; ++text) {
        printf("%02x", (unsigned char)*text);
    }
}

static void write_command(const parsed_command_t *command)
{
    printf("ok");
    write_hex('i', command->intent);
    for (size_t index = 0; index < command->count; ++index) {
        const command_slot_t *slot = command->slots + index;
        write_hex('n', slot->name);
        if (slot->kind == COMMAND_INTEGER) {
            printf(" d%ld", (long)slot->integer);
        } else {
            write_hex('t', slot->text);
        }
    }
}

int main(void)
{
    unsigned long bytes;
    while (scanf("%lu%*1[\n]", &bytes) == 1) {
        parsed_command_t command;
        char *answer = malloc(bytes == 0 ? 1 : bytes);
        if (answer == NULL || fread(answer, 1, bytes, stdin) != bytes) {
            return 1;
        }
        const char *problem = command_parse(answer, bytes, &command);
        if (problem == NULL) {
            write_command(&command);
        } else {
            printf("no %s", problem);
        }
        putchar('\n');
        fflush(stdout);
        free(answer);
    }
    return 0;
}
