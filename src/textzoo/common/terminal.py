"""The project's console: what it is given is shown as it stands, never read as markup, emoji codes or a language."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from textzoo.common.escaping import visible, visible_line

UNKNOWN_WIDTH, WIDEST = 80, 10_000


class Exact:
    """A text in one piece: no wrapping, no tabs turned into spaces; harmful characters as visible escapes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield Segment(visible(self.text, console.encoding))


class Line:
    """A text in one line, for cells and titles on any Rich console; newlines and tabs as visible escapes as well."""

    def __init__(self, text: str, style: str = "") -> None:
        self.text, self.style = text, style

    def as_text(self, console: Console) -> Text:
        return Text(visible_line(self.text, console.encoding), style=self.style)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield self.as_text(console)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.as_text(console))


class TextConsole(Console):
    """A Rich console for texts of users and models.

    Strings are printed exactly, but for the visible escapes of `escaping.visible`. Styles come from `rich.text.Text`
    and from the settings of tables only.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)
        if not 1 <= self.width <= WIDEST:  # COLUMNS=0 says that it is not known
            self.width = UNKNOWN_WIDTH

    @property
    def shows_bars(self) -> bool:
        """Whether somebody looks at a terminal that can move its cursor; CI may ask for colours without being one."""
        return self.is_interactive and not self.is_dumb_terminal and self.file.isatty()

    def print(
        self, *objects: Any, sep: str = " ", end: str = "\n", style: str | Style | None = None, **ways: Any
    ) -> None:
        """As Rich's; but plain strings are written as they are, whatever ways of setting them are asked for."""
        if style is None and all(isinstance(value, str) for value in objects):
            super().print(Exact(sep.join(objects) + end), crop=False)
        else:
            super().print(*objects, sep=sep, end=end, style=style, **ways)

    def render_str(self, text: str, **ways: Any) -> Text:
        """A string inside of tables, titles and rules: neither markup nor emoji codes."""
        return super().render_str(
            visible(text, self.encoding), **{**ways, "markup": False, "emoji": False, "highlight": False}
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """As Rich's; nothing that harms the terminal, or that its encoding lacks, gets through."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text, self.encoding), segment.style)

    @contextmanager
    def stream(self) -> Iterator[Callable[[str], None]]:
        """`show(piece)` for a text that comes in pieces; a carriage return waits for what is behind it."""
        held = ""

        def show(piece: str) -> None:
            nonlocal held
            text = held + piece
            held = "\r" if text.endswith("\r") else ""
            self.print(text.removesuffix("\r") if held else text, end="")

        yield show
        if held:
            self.print(held, end="")
