"""The options of the groups of conf/: its files, and the entries of tables, which need no file of their own."""

from collections.abc import Iterable
from pathlib import Path

from hydra.core.config_store import ConfigStore

from textzoo.common.paths import CONFIGURATION
from textzoo.quantizers.recipes import RECIPES
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.tokenizers.registry import KINDS

# Group -> the key that names an entry of its table, and the names. An option that sets more than that is a file.
TABLES: dict[str, tuple[str, Iterable[str]]] = {
    "dataset": ("name", CORPORA),
    "quantization": ("recipe", RECIPES),
    "tokenizer": ("name", KINDS),
}


def options_of(group: Path) -> list[str]:
    """Return the options of a group, which is a folder of conf/, sorted."""
    return sorted({path.stem for path in group.glob("*.yaml")}.union(entries(group.name)))


def entries(group: str) -> dict[str, dict[str, str]]:
    """Return the entries of a group's table with what each sets as an option; none where it has no table."""
    key, names = TABLES.get(group, ("", ()))
    return {name: {key: name} for name in names}


def register_entries() -> None:
    """Make the entries of tables that have no file known to Hydra."""
    for group in TABLES:
        files = {path.stem for path in (CONFIGURATION / group).glob("*.yaml")}
        for name, values in entries(group).items():
            if name not in files:
                ConfigStore.instance().store(group=group, name=name, node=values, package=group)
