"""Options of the groups of conf/ that need no file of their own: the entries of tables."""

from collections.abc import Iterable

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
