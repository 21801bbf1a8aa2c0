"""YAML that nobody vouches for: its size, depth and what its aliases stand for are bounded before it is built."""

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from textzoo.common.errors import short_reason
from textzoo.common.files import A_FILE, kind_of_place

MAX_BYTES = 1 << 20
# Far more than any configuration, any board and any list of sources has.
MAX_NODES = 5_000
MAX_DEPTH = 40
# YAML reads 59:59:59 as a number to the base of 60: a long one takes seconds, or is more than a float can hold.
LONG_NUMBER = re.compile(r"[-+.:0-9a-fA-FoOxX_]{101,}")
# libyaml's parser where PyYAML was built with it: the other one takes seconds for a megabyte.
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Any other tag would have to be taken at its word: `!!bool maybe`, `!!timestamp 2020-99-99` make PyYAML fail.
TAGS = (None, "!", "tag:yaml.org,2002:str")
DATE = "tag:yaml.org,2002:timestamp"


class PlainLoader(PARSER):
    """The parser without dates, which are texts to OmegaConf, too; and 2020-99-99 would be an impossible one."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != DATE]
        for first, resolvers in PARSER.yaml_implicit_resolvers.items()
    }


class YamlBombError(ValueError):
    """A document that is too large, too deep, or that refers to itself."""


def read_bounded(path: Path) -> Any:
    """The content of a YAML file, as plain values.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: It cannot be read.
        YamlBombError: It would take too much time or memory.
    """
    return values_of(read_limited(path))


def values_of(text: str) -> Any:
    """The values of a document; yaml.YAMLError or YamlBombError as of `read_bounded`."""
    check_yaml(text)
    return yaml.load(text, Loader=PlainLoader)


def read_limited(path: Path) -> str:
    """A file as text; YamlBombError for more than MAX_BYTES. What is no file is as if it were not there."""
    kind = kind_of_place(path)
    if kind != A_FILE:
        raise FileNotFoundError(f"it is {kind}, and no file" if kind else f"there is no file '{path}'")
    if not path.stat().st_size:  # what says so of itself, and is read without end, as some files of /proc
        return ""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise YamlBombError(f"it is larger than {MAX_BYTES:,} bytes")
    return content.decode("utf-8")


def fault_of(error: Exception) -> str:
    """What is wrong with a document, and where: 'found duplicate key a (line 2, column 1)'."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{problem or short_reason(error)}{place}"


def check_yaml(text: str) -> None:
    """YamlBombError unless the document, with every alias written out, is small and flat enough."""
    open_nodes: list[tuple[str | None, int]] = []  # of every collection that is not closed: its anchor, its first node
    sizes: dict[str, int] = {}  # anchor -> nodes, once it is closed
    count = 0
    for event in yaml.parse(text, Loader=PARSER):
        if isinstance(event, yaml.AliasEvent):
            count += alias_size(event.anchor, sizes)
        elif isinstance(event, yaml.ScalarEvent):
            check_scalar(event)
            count += 1
            remember(sizes, event.anchor, 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, start = open_nodes.pop()
            remember(sizes, anchor, count - start)
        if count > MAX_NODES:
            raise YamlBombError(f"it has more than {MAX_NODES:,} values, aliases written out")
        if len(open_nodes) > MAX_DEPTH:
            raise YamlBombError(f"it is nested deeper than {MAX_DEPTH} levels")


def check_scalar(event: yaml.ScalarEvent) -> None:
    """YamlBombError for a number of more than 100 characters, or for a tag that says what a value is."""
    if event.tag not in TAGS:
        raise YamlBombError(f"it gives a value the tag {event.tag[:80]}")
    is_quoted = event.implicit[1]
    if not is_quoted and LONG_NUMBER.fullmatch(event.value):
        raise YamlBombError(f"it has a number of {len(event.value):,} characters")


def alias_size(anchor: str, sizes: dict[str, int]) -> int:
    if anchor not in sizes:
        raise YamlBombError(f"the alias *{anchor} stands inside of what it names, or names nothing")
    return sizes[anchor]


def remember(sizes: dict[str, int], anchor: str | None, size: int) -> None:
    if anchor is not None:
        sizes[anchor] = size
