/* The console: a line is a prompt; a line that begins with ':' is an interactive command, with '{' a JSON command. */
#ifndef TEXTZOO_CONSOLE_H
#define TEXTZOO_CONSOLE_H

/* Greet, then answer line by line until the input ends. */
void console_run(void);

#endif
