"""Untrusted YAML: its size, depth and expanded aliases are checked before any value is built."""

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from textzoo.common.errors import short_reason
from textzoo.common.files import A_FILE, kind_of_path

MAX_BYTES = 1 << 20
# Far more than any configuration, any board and any list of sources has.
MAX_NODES = 5_000
MAX_DEPTH = 40
# YAML reads 59:59:59 as a base-60 number: parsing a long one takes seconds, or overflows a float.
LONG_NUMBER = re.compile(r"[-+.:0-9a-fA-FoOxX_]{101,}")
# libyaml's parser where PyYAML was built with it: the pure Python parser takes seconds for a megabyte.
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Other tags force a type on a value that may not have it: PyYAML fails on `!!bool maybe`, `!!timestamp 2020-99-99`.
TAGS = (None, "!", "tag:yaml.org,2002:str")
DATE = "tag:yaml.org,2002:timestamp"


class PlainLoader(PARSER):
    """A YAML loader that reads dates as strings, as OmegaConf does; an impossible date (2020-99-99) would fail."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != DATE]
        for first, resolvers in PARSER.yaml_implicit_resolvers.items()
    }


class YamlBombError(ValueError):
    """A document that is too large, too deep, or that refers to itself."""


def read_bounded(path: Path) -> Any:
    """Return the content of a YAML file, as plain values.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: It cannot be read.
        YamlBombError: It would need too much time or memory.
    """
    return values_of(read_limited(path))


def values_of(text: str) -> Any:
    """Return the values of a document; raise yaml.YAMLError or YamlBombError as `read_bounded` does."""
    check_yaml(text)
    return yaml.load(text, Loader=PlainLoader)


def read_limited(path: Path) -> str:
    """Return a file as text; raise YamlBombError above MAX_BYTES, FileNotFoundError if it is not a plain file."""
    kind = kind_of_path(path)
    if kind != A_FILE:
        raise FileNotFoundError(f"it is {kind}, not a file" if kind else f"there is no file '{path}'")
    if not path.stat().st_size:  # some files of /proc report size 0 and never end
        return ""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise YamlBombError(f"it is larger than {MAX_BYTES:,} bytes")
    return content.decode("utf-8")


def fault_of(error: Exception) -> str:
    """Return what is wrong with a document, and where: 'found duplicate key a (line 2, column 1)'."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    position = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{problem or short_reason(error)}{position}"


def check_yaml(text: str) -> None:
    """Raise YamlBombError unless the document, with every alias expanded, is within MAX_NODES and MAX_DEPTH."""
    open_nodes: list[tuple[str | None, int]] = []  # of every open collection: its anchor, the index of its first node
    sizes: dict[str, int] = {}  # anchor -> number of nodes, once the collection is closed
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
            raise YamlBombError(f"it has more than {MAX_NODES:,} values with all aliases expanded")
        if len(open_nodes) > MAX_DEPTH:
            raise YamlBombError(f"it is nested deeper than {MAX_DEPTH} levels")


def check_scalar(event: yaml.ScalarEvent) -> None:
    """Raise YamlBombError for a number of more than 100 characters, or for a tag that sets a value's type."""
    if event.tag not in TAGS:
        raise YamlBombError(f"it uses the tag {event.tag[:80]}")
    is_quoted = event.implicit[1]
    if not is_quoted and LONG_NUMBER.fullmatch(event.value):
        raise YamlBombError(f"it has a number of {len(event.value):,} characters")


def alias_size(anchor: str, sizes: dict[str, int]) -> int:
    if anchor not in sizes:
        raise YamlBombError(f"the alias *{anchor} refers to a node that contains it, or to none")
    return sizes[anchor]


def remember(sizes: dict[str, int], anchor: str | None, size: int) -> None:
    if anchor is not None:
        sizes[anchor] = size
