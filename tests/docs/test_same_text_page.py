"""docs/how_to/same_text.md in all its five places: each says, character for character, what the page shows.

With `--pictures FOLDER` the pictures of the page are made anew.
"""

import html
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO

import pytest
from pages import PROJECT, arguments_of, blocks_of
from PIL import Image

from browser import Page, chromium, page_of, window
from compilers import need
from page_driver import WebPage
from served_program import PROGRAM, started
from terminal_picture import draw_terminal
from terminal_screen import Terminal

pytestmark = pytest.mark.filterwarnings("ignore")  # Gradio's packages warn of themselves

PAGE = "docs/how_to/same_text.md"
BLOCKS = list(blocks_of(PROJECT / PAGE))
(PYTHON,) = (block.text for block in BLOCKS if block.language == "python")
PATIENCE_SECONDS = 600
MARK = re.compile(r"^The context is full: .*\n|\[the context is full: [^]]*\]|\[full again\]", re.MULTILINE)


def turns_of(shown):
    """Messages with their answers, as a terminal shows them, up to an empty prompt."""
    said = MARK.sub("", shown).partition("\n>\n")[0]
    _, *parts = re.split("^> ", said, flags=re.MULTILINE)
    return [tuple(part.rstrip("\n").split("\n", 1)) for part in parts]


@dataclass(frozen=True)
class Talk:
    """A conversation that the page shows.

    Attributes:
        model: Which one answers.
        shown: What the page shows, as in a terminal.
        size: Rows and columns of a terminal that has room for it.
    """

    model: str
    shown: str
    size: tuple[int, int]

    @property
    def messages(self):
        return [message for message, _ in turns_of(self.shown)]

    def arguments(self, command):
        """The program's arguments for a command of the page."""
        return [str(PROGRAM), *arguments_of(command.replace("model=gpt", f"model={self.model}"))]


# The page shows a conversation, what the package `openai` makes of it, and a longer text.
CONVERSATION, PRINTED, LONGER = (block.text for block in BLOCKS if block.language == "text")
TALKS = {"a conversation": Talk("gpt", CONVERSATION, (16, 100)), "a longer text": Talk("pico_gpt", LONGER, (40, 150))}


def in_the_terminal(talk, command, folder, picture="chat_terminal.svg"):
    terminal = Terminal(talk.arguments(command), folder, talk.size, XDG_STATE_HOME=str(folder / "state"))
    try:
        terminal.wait_for_prompt()
        for message in talk.messages:
            terminal.say(message)
        terminal.wait_for("tokens/s")
        draw_terminal(terminal.screen, "operation_mode=chat", folder / picture)
        return terminal.text
    finally:
        terminal.child.terminate(force=True)


def on_the_board(talk, command, folder):
    need("arm", "make", "qemu")
    return in_the_terminal(talk, command, folder, "chat_board.svg")


def through_openai(talk, command, folder):
    program = PYTHON.replace("gpt_int8", f"{talk.model}_int8")
    program = re.sub(r"in \(\".*\"\):", f"in {talk.messages}:", program)
    with started(folder, talk.arguments(command), "serve") as server:
        call = [sys.executable, "-c", program.replace("http://127.0.0.1:8080/v1", server.url)]
        done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
    return done.stdout


def on_the_gradio_page(talk, command, folder):
    need("chromium", "host", "make")
    with started(folder, talk.arguments(command), "web") as server, chromium() as driver:
        window(driver, 1100, 800, "light")
        page = WebPage(driver, server.url)
        page.open()
        for message in talk.messages:
            page.say(message)
        said = page.said or page.texts(".one-text span:not(.mark)")
        page.choose("engine", "native")
        page.wait(lambda: "native answers now. Made again: 0 of " in page.text("status"))
        draw_page(driver, folder / "web.png")
        window(driver, 430, 932, "dark")
        page.open()
        page.say(talk.messages[0])
        draw_page(driver, folder / "web_phone.png")
    return as_shown(said)


def in_one_file(talk, command, folder):
    need("chromium", "make", "wasm", "node")
    call = [sys.executable, *talk.arguments(command)]
    subprocess.run(call, cwd=folder, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    (project,) = folder.glob("experiments_outputs/*/c_project/Browser")
    with chromium() as driver:
        window(driver, 820, 900, "light")
        page = Page(driver, page_of(project))
        page.open()
        said = [text for one in talk.messages for text in (one, page.answer(one))]
        draw_page(driver, folder / "browser_chat.png")
    return as_shown(said)


def draw_page(driver, path):
    """Write what a browser shows in 64 colours, which is half as large as in all of them."""
    picture = Image.open(BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    picture.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def as_shown(said):
    """Messages and answers as a terminal shows them."""
    return "".join(f"> {message}\n{answer}\n" for message, answer in zip(said[::2], said[1::2], strict=True))


PLACES = (in_the_terminal, on_the_board, through_openai, on_the_gradio_page, in_one_file)
COMMANDS = [command for block in BLOCKS for command in block.commands]
ROWS = [pytest.param(*row, id=row[0].__name__) for row in zip(PLACES, COMMANDS, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
@pytest.mark.parametrize(("place", "command"), ROWS)
def test_all_places_say_what_the_page_shows(request, tmp_path, place, command, talk):
    said = place(talk, command, tmp_path)
    assert turns_of(said) == turns_of(talk.shown)
    if request.config.option.pictures and talk.shown == CONVERSATION:
        for picture in [*tmp_path.glob("*.png"), *tmp_path.glob("*.svg")]:
            shutil.copy(picture, request.config.option.pictures)


def test_the_page_shows_the_same_answers_twice():
    assert turns_of(PRINTED) == turns_of(CONVERSATION)
    assert [len(TALKS[name].messages) for name in TALKS] == [3, 1]


@pytest.mark.parametrize("picture", ["chat_terminal.svg", "chat_board.svg"])
def test_the_pictures_of_terminals_show_what_the_page_shows(picture):
    source = (PROJECT / "docs/pictures" / picture).read_text(encoding="utf-8")
    texts = re.findall(r'<text class="terminal-r[^>]*>(.*?)</text>', source, re.DOTALL)
    lines = html.unescape("".join(texts)).replace("\xa0", " ").splitlines()
    shown = "\n".join(line.rstrip() for line in lines)
    assert f"\n{CONVERSATION}" in f"\n{shown}"
    assert "://" not in re.sub(r'xmlns="[^"]*"|<!--.*?-->', "", source)
