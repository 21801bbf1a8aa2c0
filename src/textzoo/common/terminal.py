"""The project's console: texts are printed unchanged, never interpreted as markup, emoji codes or code."""

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
    """A text without wrapping or tab expansion; control characters as visible escapes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield Segment(visible(self.text, console.encoding))


class Line:
    """A text in one line, for cells and titles on any Rich console; newlines and tabs as visible escapes, too."""

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

    Strings are printed exactly, except for the escapes of `escaping.visible`. Styles come only from `rich.text.Text`
    and from the settings of tables.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)
        if not 1 <= self.width <= WIDEST:  # COLUMNS=0 means unknown
            self.width = UNKNOWN_WIDTH

    @property
    def shows_bars(self) -> bool:
        """Whether this is a terminal that can move its cursor; CI may force colours without being one."""
        return self.is_interactive and not self.is_dumb_terminal and self.file.isatty()

    def print(
        self, *objects: Any, sep: str = " ", end: str = "\n", style: str | Style | None = None, **ways: Any
    ) -> None:
        """Print as Rich does, but plain strings unchanged, whatever formatting options are given."""
        if style is None and all(isinstance(value, str) for value in objects):
            super().print(Exact(sep.join(objects) + end), crop=False)
        else:
            super().print(*objects, sep=sep, end=end, style=style, **ways)

    def render_str(self, text: str, **ways: Any) -> Text:
        """Return the text of a string in tables, titles and rules, without interpreting markup or emoji codes."""
        return super().render_str(
            visible(text, self.encoding), **{**ways, "markup": False, "emoji": False, "highlight": False}
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Render as Rich does, with escapes for control characters and for those that the encoding lacks."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text, self.encoding), segment.style)

    @contextmanager
    def stream(self) -> Iterator[Callable[[str], None]]:
        """Yield `show(piece)` for a text that arrives in pieces; a final carriage return is held until the next."""
        held = ""

        def show(piece: str) -> None:
            nonlocal held
            text = held + piece
            held = "\r" if text.endswith("\r") else ""
            self.print(text.removesuffix("\r") if held else text, end="")

        yield show
        if held:
            self.print(held, end="")
