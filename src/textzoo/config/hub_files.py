"""Files of a configuration that lie on the hub (hf://...): found, downloaded and checked before anything runs.

From here on such a key holds the path of the file on this machine. What a run keeps of its configuration names the
commit and the sha256, so that the same content is found again when a branch has moved.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textzoo.common import signals
from textzoo.common.errors import UserError, collecting
from textzoo.grammars.settings import MAX_BYTES as MAX_GRAMMAR_BYTES
from textzoo.hub.references import SCHEME, Reference, is_reference, parse
from textzoo.text import chat_templates
from textzoo.text.commands.schema import FILE as GRAMMAR_NAME

if TYPE_CHECKING:
    from textzoo.config.schema import Config
    from textzoo.hub.downloads import Fetched

MODEL, TFLITE, TOKENIZER = ((".keras",), 1 << 29), ((".tflite",), 1 << 28), ((".json",), 1 << 24)
# Dotted key -> the endings of its formats, and the largest size in bytes.
TAKEN = {
    "model.float_model_path": MODEL,
    "model.quantized_model_path": TFLITE,
    "tokenizer.path": TOKENIZER,
    "training.init_from": MODEL,
}
# Key of a file -> the files that may lie beside it, and their largest size in bytes: the tokenizer of a model, and
# beside that its chat template and the grammar of its answers.
TOKENIZER_FILE, TEMPLATE_FILE = ("tokenizer.json", TOKENIZER[1]), (chat_templates.FILE, chat_templates.MAX_FILE_BYTES)
GRAMMAR_FILE = (GRAMMAR_NAME, MAX_GRAMMAR_BYTES)
BESIDE = dict.fromkeys(
    ("model.float_model_path", "model.quantized_model_path"), (TOKENIZER_FILE, TEMPLATE_FILE, GRAMMAR_FILE)
)
BESIDE["tokenizer.path"] = (TEMPLATE_FILE, GRAMMAR_FILE)
# The file that a key names on this machine -> what it is on the hub; and each reference -> that with commit and hash.
ORIGINS: dict[str, "Fetched"] = {}
PINNED: dict[str, str] = {}
IN_TEXT = re.compile(re.escape(SCHEME) + r"""[^\s'"\]},]+""")


def references_of(config: "Config", errors: list[UserError]) -> dict[str, Reference]:
    """Return dotted key -> the file of the hub that it names; mistakes in their form are added to `errors`."""
    found = {}
    for key, (suffixes, _) in TAKEN.items():
        value = value_of(config, key)
        if is_reference(value):
            with collecting(errors):
                found[key] = parse_for(key, value, suffixes)
    return found


def with_hub_files(config: "Config", references: dict[str, Reference], errors: list[UserError]) -> "Config":
    """Return the configuration with files of the hub replaced by those here; mistakes are added to `errors`."""
    cache = config.dataset.cache_dir
    with signals.raising():
        for key, reference in references.items():
            with collecting(errors):
                found = fetched(key, reference, cache)
                config = changed(config, key, str(found.path))
                if key == "tokenizer.path" or not config.tokenizer.path:
                    fetch_beside(found, BESIDE.get(key, ()), cache)
    return config


def value_of(config: "Config", key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def changed(config: "Config", key: str, value: str) -> "Config":
    """Return the configuration with another value of a dotted key."""
    section, _, name = key.partition(".")
    return dataclasses.replace(config, **{section: dataclasses.replace(getattr(config, section), **{name: value})})


def parse_for(key: str, value: str, suffixes: tuple[str, ...]) -> Reference:
    """Return the file that the value of a key names; the error of another form says the key."""
    try:
        return parse(value, suffixes)
    except UserError as error:
        what, remedy = f"{key}: {error.what}", error.remedy
        raise UserError(what, expected=error.expected, received=error.received, remedy=remedy) from None


def fetched(key: str, reference: Reference, cache: str) -> "Fetched":
    """Return the file on this machine, and note where it is from. A branch is looked up once in a process."""
    from textzoo.hub.downloads import fetch

    asked, (suffixes, limit) = str(reference), TAKEN[key]
    if asked in PINNED:
        reference = parse(PINNED[asked], suffixes)
    found = fetch(reference, Path(cache), limit)
    if asked not in PINNED:
        PINNED[asked] = str(found.reference)
        ORIGINS[str(found.path)] = found
    return found


def fetch_beside(file: "Fetched", wanted: Sequence[tuple[str, int]], cache: str) -> None:
    """Download those files beside another one, of the same commit, that the repository has."""
    from textzoo.hub.downloads import fetch_if_there

    for name, limit in wanted:
        if found := fetch_if_there(file.reference.beside(name), Path(cache), limit):
            ORIGINS[str(found.path)] = found


def pinned_text(text: str) -> str:
    """Return a text with every reference to a file of the hub that was found as the one of its commit and hash."""
    return IN_TEXT.sub(lambda match: PINNED.get(match.group(), match.group()), text)


def origin_of(path: Path) -> "Fetched | None":
    """Return what a file is on the hub; None for one that is not from there."""
    return ORIGINS.get(str(path))


def origins_of(config: "Config") -> dict[str, "Fetched"]:
    """Return dotted key -> what its file is on the hub, of the keys whose files are from there."""
    values = {key: value_of(config, key) for key in TAKEN}
    return {key: ORIGINS[value] for key, value in values.items() if value in ORIGINS}
