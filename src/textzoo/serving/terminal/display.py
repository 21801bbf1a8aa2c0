"""What a conversation shows: answers, results of commands, notes and errors, all with visible characters only."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from rich.columns import Columns
from rich.text import Text

from textzoo.common.errors import UserError
from textzoo.common.escaping import visible_line
from textzoo.common.standard_streams import STANDARD_OUTPUT, losses
from textzoo.common.terminal import TextConsole
from textzoo.serving.figures import counted

MOST_NAMES = 100


class Display:
    """The screen, or the two standard streams.

    Args:
        out: For answers and for what commands show.
        notes: For notes and errors: the same console on a terminal, the standard error for programs.
    """

    def __init__(self, out: TextConsole, notes: TextConsole) -> None:
        self.out, self.notes = out, notes

    @property
    def is_gone(self) -> bool:
        """Whether nobody reads the answers any more."""
        return STANDARD_OUTPUT in losses.reasons

    def answer(self) -> AbstractContextManager[Callable[[str], None]]:
        """Return a block that yields `show(piece)` for the pieces of an answer."""
        return self.out.stream()

    def end_answer(self) -> None:
        self.out.print("")

    def lines(self, lines: Iterable[str]) -> None:
        """Show what a command was asked for."""
        for line in lines:
            self.out.print(line)

    def table(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Show rows with aligned columns, the last one as long as it may be."""
        rows = list(rows)
        widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self.out.print("  ".join([*cells, row[-1]]).rstrip())

    def names(self, names: list[str]) -> None:
        """Show names in columns, those that fit on a screen."""
        self.out.print(Columns([visible_line(name) for name in names[:MOST_NAMES]], equal=True))
        if len(names) > MOST_NAMES:
            self.note(f"and {counted(len(names) - MOST_NAMES, 'other')}")

    def note(self, text: str) -> None:
        """Show a remark that nobody asked for."""
        self.notes.print(Text(text, style="dim"), soft_wrap=True)

    def mark(self, text: str) -> None:
        """Show a remark within an answer, or beside it where the answers have a stream of their own."""
        end = "" if self.notes is self.out else "\n"
        self.notes.print(Text(f"[{text}]", style="dim"), end=end, soft_wrap=True)

    def error(self, error: UserError) -> None:
        self.notes.print(Text(str(error), style="red"), soft_wrap=True)
