"""Every command, YAML and Python in the pages: run at toy size in a copy of the project, or marked why not.

A page is followed from its top to its end in one folder, as a newcomer would: what its earlier blocks made is there for
the later ones. How blocks are marked: pages.py.
"""

import ast
import json
import re
import shlex
from pathlib import Path

import pages
import pytest
import yaml
from pages import (
    COMMANDS,
    FILE,
    INSIDE,
    KINDS,
    LANGUAGES,
    NOT_RUN,
    PAGES,
    PLANNED,
    PROJECT,
    RUN,
    RUN_BY,
    Block,
    arguments_of,
    blocks_of,
    inline_commands,
)
from reader import Reader, copied_project

from textzoo.config.override_checks import check_overrides
from textzoo.config.overrides import parse
from textzoo.config.primary import PrimaryConfig
from textzoo.records.tracking import open_store

BLOCKS = {page.relative_to(PROJECT).as_posix(): list(blocks_of(page)) for page in PAGES}


def in_kinds(*kinds: str) -> list:
    blocks = [block for blocks in BLOCKS.values() for block in blocks if block.kind in kinds]
    return [pytest.param(block, id=f"{block.place} {block.kind}") for block in blocks]


MARKED = {
    "nothing": ("", RUN, ""),
    "another comment": ("<!-- see below -->\n", RUN, ""),
    "no reason": ("<!-- not run -->\n", RUN, ""),
    "a reason": ("<!-- not run: needs a board -->\n", NOT_RUN, "needs a board"),
    "another test": ("<!-- run by tests/a.py, tests/b.py -->\n", RUN_BY, "tests/a.py, tests/b.py"),
    "a line of a file": ("<!-- in a/b.py behind `    X = {` -->\n", INSIDE, "a/b.py behind `    X = {`"),
    "a blank line between": ("<!-- not run: needs a board -->\n\n", RUN, ""),
}


@pytest.mark.parametrize(("mark", "kind", "rest"), MARKED.values(), ids=MARKED)
def test_marks_of_blocks(tmp_path, monkeypatch, mark, kind, rest):
    monkeypatch.setattr(pages, "PROJECT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"Text.\n\n{mark}```bash\n$ make a \\\n  b # why\n# no command\ncd '#c'\n```\n", encoding="utf-8")
    (block,) = blocks_of(page)
    assert (block.page, block.kind, block.rest) == ("page.md", kind, rest)
    assert [command.split() for command in block.commands] == [["make", "a", "b"], ["cd", "'#c'"]]


@pytest.mark.parametrize("block", in_kinds(*KINDS))
def test_a_block_names_its_language_and_its_mark_fits(block):
    assert block.language in LANGUAGES, f"{block.place}: an opening fence names one of {', '.join(LANGUAGES)}"
    if block.kind in (PLANNED, NOT_RUN):
        assert len(block.rest.split()) >= 3, f"{block.place}: why not?"
    if block.kind == PLANNED:
        assert block.language in COMMANDS
        assert all(arguments_of(command) is not None for command in block.commands)


@pytest.mark.parametrize("block", in_kinds(RUN_BY))
def test_what_another_test_runs_is_in_that_test(block):
    tests = "".join((PROJECT / path).read_text(encoding="utf-8") for path in block.rest.split(", "))
    for command in block.commands or [block.page]:
        target = command.removeprefix("make ")
        assert target in tests or block.page in tests, f"{block.place}: {block.rest} does not know '{command}'"


@pytest.mark.parametrize("block", in_kinds(*KINDS))
def test_targets_of_make_exist(block):
    targets = [command.split()[1] for command in block.commands if re.fullmatch(r"make [a-z0-9-]+", command)]
    known = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if not re.search(rf"^({target}|{target.split('-')[0]}-%):", known, re.M)] == []


@pytest.mark.parametrize("block", [row for row in in_kinds(*KINDS) if row.values[0].language not in COMMANDS])
def test_code_and_data_can_be_read(block):
    if block.language == "yaml":
        assert yaml.safe_load(block.text)
    if block.language == "json":
        assert json.loads(block.text)
    if block.language == "python" and block.kind in (RUN, NOT_RUN, FILE):
        ast.parse(block.text)


SENTENCES = [(page, command) for page in PAGES for command in inline_commands(page)]


@pytest.mark.parametrize(
    ("page", "command"), [pytest.param(*row, id=f"{row[0].relative_to(PROJECT)} {row[1]}") for row in SENTENCES]
)
def test_a_command_in_a_sentence_has_keys_and_options_that_exist(page, command):
    """Figures of the lab notes stand beside commands of minutes and hours: they are not run."""
    _, _, command = command.rpartition("python ")
    program, *words = ["stm32ai_main.py"] * command.startswith("operation_mode=") + shlex.split(command)
    if program == "stm32ai_main.py":
        overrides, errors = parse([word for word in words if not re.search(r"\.\.\.|<", word)])
        assert errors + check_overrides(overrides, PrimaryConfig(), sweeping=False)[1] == []
    else:
        known = with_neighbours(PROJECT / program)
        assert [word for word in words if word.startswith("--") and f'"{word}"' not in known] == []


def with_neighbours(program: Path) -> str:
    """The source of a program, and of the modules beside it that it imports."""
    text = program.read_text(encoding="utf-8")
    neighbours = (program.with_name(f"{name}.py") for name in re.findall(r"^from (\w+) import", text, re.MULTILINE))
    return text + "".join(path.read_text(encoding="utf-8") for path in neighbours if path.is_file())


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A tracking store for all pages: making one takes seconds."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    open_store(uri, "warm_up")
    return uri


@pytest.fixture
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "textzoo"
    folder.mkdir()
    return copied_project(folder)


def has_work(block: Block) -> bool:
    return block.kind == PLANNED or (block.kind == RUN and block.language in (*COMMANDS, "python"))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if any(map(has_work, blocks))])
def test_a_page_can_be_followed(page, project, store):
    reader = Reader(project, store)
    for block in BLOCKS[page]:
        reader.follow(block)
