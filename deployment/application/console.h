/* The text console: a line is a prompt; a line beginning with ':' is a command of a person, with '{' of a machine. */
#ifndef TEXTZOO_CONSOLE_H
#define TEXTZOO_CONSOLE_H

/* Greet, then answer line by line until the input ends. */
void console_run(void);

#endif
