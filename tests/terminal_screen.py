"""A program in a terminal of its own, and what a person sees of it."""

import os
import sys
import time

import pexpect
import pyte

SIZE = (40, 100)  # rows and columns
PATIENCE_SECONDS = 60.0
PROMPT_BEGINS = "\x1b[?2004h"  # from here on, what is pasted comes in brackets


class Screen(pyte.Screen):
    """A screen that tells the program where its cursor is, as terminals do."""

    def __init__(self, terminal, size):
        rows, columns = size
        super().__init__(columns, rows)
        self.terminal = terminal

    def write_process_input(self, data):
        self.terminal.child.send(data)

    def select_graphic_rendition(self, *attributes, **others):
        """Show what is dim, which pyte does not know, in grey."""
        super().select_graphic_rendition(*((38, 5, 245) if attributes == (2,) else attributes), **others)


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, arguments, folder, size=SIZE, **environment):
        self.screen = Screen(self, size)
        self.stream = pyte.Stream(self.screen)
        self.written = ""
        env = {**os.environ, "TERM": "xterm-256color", **environment}
        env.pop("COLUMNS", None)
        self.child = pexpect.spawn(
            sys.executable,
            arguments,
            cwd=str(folder),
            env=env,
            encoding="utf-8",
            codec_errors="replace",
            dimensions=size,
        )
        self.child.delaybeforesend = None

    @property
    def text(self):
        """What the screen shows, without spaces at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def line(self):
        """The line of the cursor."""
        return self.screen.display[self.screen.cursor.y].rstrip()

    def read(self, seconds=0.1):
        """Take what the program writes; return False once it has ended."""
        try:
            data = self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.written += data
        self.stream.feed(data)
        return True

    def wait_until(self, holds):
        """Read until a condition holds; fail with the screen if it does not, or if the program ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(self):
            alive = self.read()
            if not holds(self):
                assert alive, f"the program has ended:\n{self.text}"
                assert time.monotonic() < deadline, f"waited in vain:\n{self.text}"

    def wait_for(self, text):
        self.wait_until(lambda terminal: text in terminal.text)

    def wait_for_prompt(self):
        self.wait_until(lambda terminal: terminal.line == ">")

    def type(self, text):
        self.child.send(text)

    def say(self, text):
        """Type a line, and wait for the next prompt."""
        prompts = self.written.count(PROMPT_BEGINS)
        self.type(f"{text}\r")
        self.wait_until(lambda terminal: terminal.written.count(PROMPT_BEGINS) > prompts)
        self.wait_for_prompt()

    def exit_code(self):
        """Wait for the end; return the exit code, or minus the signal."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.read():
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        self.child.close()
        return self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus
