"""The pages of the documents and the blocks of code in them, with what is to be done with each block.

A comment in front of a block, which no reader sees, says what a test does with it; without one the block is run.

    <!-- planned: WHY -->            commands of the program: composed, checked and planned, and not run, because WHY
    <!-- not run: WHY -->            nothing but shown
    <!-- run by PATH -->             the test of that path runs it
    <!-- file PATH -->               the content of a file, which is written before the next block
    <!-- in PATH behind LINE -->     the same for lines that belong behind LINE of a file
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *PROJECT.glob("*.md"),
        *(PROJECT / "docs").rglob("*.md"),
        *(PROJECT / "deployment").rglob("*.md"),
        PROJECT / "datasets/README.md",
        PROJECT / "pretrained_models/README.md",
    ]
)
COMMANDS = ("bash", "console", "sh")
# Languages whose blocks a test does something with, and those that are only read.
LANGUAGES = (*COMMANDS, "python", "yaml", "json", "c", "text")
RUN, PLANNED, NOT_RUN, RUN_BY, FILE, INSIDE = KINDS = ("run", "planned", "not run", "run by", "file", "in")
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (?P<kind>planned|not run|run by|file|in)(?::| (?=\S)) *(?P<rest>[^\n]*?) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: Its file, from the project's top on.
        line: Of the page, that of the opening fence.
        language: Behind the opening fence; "" where nothing stands there.
        text: Its lines.
        kind: One of KINDS.
        rest: What stands behind the kind in the mark: a reason, or a path.
    """

    page: str
    line: int
    language: str
    text: str
    kind: str = RUN
    rest: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a shell in it, each on one line, without comments."""
        if self.language not in COMMANDS:
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [without_comment(line) for line in lines if without_comment(line)]


def without_comment(command: str) -> str:
    """A command without the comment behind it, and without `$ ` in front of it."""
    return re.sub(r"(^|\s+)#.*$", "", command).strip().removeprefix("$ ")


def arguments_of(command: str) -> list[str] | None:
    """The arguments of a command that calls the program; None where it calls something else."""
    words = shlex.split(command)
    for program in (["python", "stm32ai_main.py"], ["textzoo"]):
        if words[: len(program)] == program:
            return words[len(program) :]
    return None


def inline_commands(page: Path) -> list[str]:
    """What a page says in a sentence, as code: calls of Python, and operation modes with their keys; each once."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    spans = (" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))
    return list(dict.fromkeys(span for span in spans if re.match(r"python \S+\.py\b|operation_mode=", span)))


def blocks_of(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page, from its beginning on."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        before = text[: match.start()]
        mark = MARK.search(before)
        yield Block(
            page.relative_to(PROJECT).as_posix(),
            before.count("\n") + 1,
            match["language"],
            match["text"],
            **({"kind": mark["kind"], "rest": mark["rest"]} if mark else {}),
        )
