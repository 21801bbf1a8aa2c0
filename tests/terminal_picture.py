"""What a terminal shows, as a picture."""

import itertools
import re
from io import StringIO

from rich.color import Color
from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.style import Style
from rich.text import Text

# Without the fonts that it would load from elsewhere.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code, ", "")


def colour_of(name):
    """Rich's colour for pyte's name of one, or for six digits."""
    if re.fullmatch("[0-9a-f]{6}", name):
        return Color.parse(f"#{name}")
    return Color.parse(re.sub("^bright", "bright_", name.replace("brown", "yellow")))


def style_of(character):
    """Rich's style of a character on pyte's screen."""
    colours = Style.from_color(colour_of(character.fg), colour_of(character.bg))
    return colours + Style(bold=character.bold, reverse=character.reverse)


def draw_terminal(screen, title, path):
    """Write what a screen of pyte shows as SVG, which loads nothing."""
    console = Console(record=True, width=screen.columns, file=StringIO(), force_terminal=True, color_system="truecolor")
    for row in range(screen.lines):
        characters = [screen.buffer[row][column] for column in range(screen.columns)]
        runs = itertools.groupby(characters, style_of)
        line = Text.assemble(*(("".join(one.data for one in run), style) for style, run in runs))
        console.print(line, no_wrap=True)
    path.write_text(console.export_svg(title=title, code_format=FORMAT, unique_id="terminal"), encoding="utf-8")
