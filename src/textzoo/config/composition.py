"""What of a configuration comes from where: groups of the command line win over files, and files are data.

A file, or a run's folder, sets the project's own keys and where Hydra puts its folders. What would make Hydra import or
call something (callbacks, logging, launchers, search paths, environment variables) is the command line's alone.
"""

import dataclasses
import itertools
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, ListConfig, OmegaConf

from textzoo.common.bounded_yaml import PARSER, YamlBombError, check_yaml, read_bounded, read_limited, values_of
from textzoo.common.errors import UserError
from textzoo.common.files import require_file
from textzoo.common.secrets import HIDDEN
from textzoo.common.settings import default_of
from textzoo.config.options import entries, options_of
from textzoo.config.overrides import choices, parse
from textzoo.config.places import ADDRESSES
from textzoo.models.rules import keys_lacking
from textzoo.models.settings import ModelConfig
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.settings import DatasetConfig, TokenizerConfig

# What a document of YAML may be instead of keys and values.
KINDS = {list: "list", str: "text", int: "number", float: "number"}
# The group of Hydra's under which the options that the command line chose are put on top of a user's file.
CHOSEN = "chosen"
PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)
# What a file may set of Hydra's own section; the rest is code, or makes Hydra find code.
FOLDERS = frozenset({"hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"})
# Hydra's own notes about a run, written after the files were read.
NOTES = ("hydra.runtime.", "hydra.job.override_dirname", "hydra.job.config_name")
PLUGINS = frozenset(
    {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
        "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher",
    }
)
# Of what begins like a reference and is not escaped.
OPENED = re.compile(r"(?<!\\)(\\\\)*\$\{")
REFERENCE = re.compile(r"(?<!\\)\$\{\s*([\w.\[\]-]+)\s*\}")


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's reader of YAML files, for files that nobody vouches for.

    It has Hydra's own name, because a process of a sweep registers Hydra's sources over those that it inherits: one of
    the same name stays, another name is refused.
    """

    def is_config(self, config_path: str) -> bool:
        path = Path(self.path, self._normalize_file_name(config_path))
        if path.exists():
            require_file(path)
        return super().is_config(config_path)

    def load_config(self, config_path: str) -> ConfigResult:
        path = Path(self.path, self._normalize_file_name(config_path))
        if path.exists():
            require_file(path)
            refuse_bomb(path)
        return super().load_config(config_path)


def bound_files() -> None:
    """From now on Hydra reads files through the class above."""
    Plugins.instance()  # registers its own sources, once
    SourcesRegistry.instance().types[FileConfigSource.scheme()] = FileConfigSource


def refuse_bomb(path: Path) -> None:
    """UserError for a file that would take minutes or gigabytes, or that names places to find code in."""
    try:
        text = read_limited(path)
        check_yaml(text)
    except YamlBombError as error:
        raise UserError(f"{path} cannot be a configuration: {error}", remedy="Make it smaller, or plainer.") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return  # Hydra says what is wrong with it
    if "searchpath" in key_names(yaml.compose(text, Loader=PARSER)):
        raise not_from_files(["hydra.searchpath"], str(path))


def mistake_in_file(file: Path) -> UserError | None:
    """What keeps a user's file from being a configuration, where Hydra would say less or something else."""
    try:
        text = read_limited(file)
        content = values_of(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None  # told when it is composed
    if not isinstance(content, dict):
        found = "is empty" if content is None else f"holds one {KINDS.get(type(content), 'value')}"
        remedy = "Begin the file with the lines 'defaults:', '  - config', '  - _self_'."
        return UserError(f"{file} {found}", expected="lines of 'key: value'", remedy=remedy)
    order = [entry for entry in listed(content.get("defaults")) if entry in ("config", "_self_")]
    if order == ["_self_", "config"] and len(content) > 1:
        what = f"{file} puts '_self_' before 'config' in its defaults: nothing that it says itself would count"
        return UserError(what, remedy="Put '  - _self_' behind it.")
    comments = itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), text.splitlines())
    package = PACKAGE.search("\n".join(comments))
    if package and package[1] != "_global_":
        what = f"{file} begins with '{package[0]}', as options of groups do"
        return UserError(what, remedy="Take this line out: the file is the configuration itself.")
    return None


def listed(value: Any) -> list[Any]:
    """The value where it is a list; otherwise nothing, and Hydra says what is wrong with it."""
    return value if isinstance(value, list) else []


def key_names(node: yaml.Node | None) -> set[str]:
    """The parts of all keys of a document: Hydra takes `a.b: 1`, too."""
    names: set[str] = set()
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    for key, value in pairs:
        names.update(str(key.value).split("."), key_names(value))
    for item in node.value if isinstance(node, yaml.SequenceNode) else []:
        names |= key_names(item)
    return names


def not_from_files(keys: list[str], where: str) -> UserError:
    return UserError(
        f"{where} sets {', '.join(keys)}, by which Hydra runs programs or finds them",
        expected="in a file, of Hydra's section only run.dir, sweep.dir and sweep.subdir",
        remedy="Give it on the command line, if you mean it.",
    )


def check_hydra(composed: DictConfig, baseline: DictConfig, overrides: int, where: str) -> list[UserError]:
    """What files change in Hydra's own section, beyond folders.

    Args:
        composed: The configuration with the user's file.
        baseline: The project's own with the same overrides of Hydra's section.
        overrides: Number of the others; a sweep reads them from that section again.
        where: The user's file.
    """
    ours, theirs = (dict(leaves(config.hydra, "hydra")) for config in (baseline, composed))
    changed = [key for key in theirs if key not in ours or theirs[key] != ours[key]]
    tasks = "hydra.overrides.task"
    refused = [key for key in changed if key not in FOLDERS and not key.startswith((*NOTES, tasks))]
    if len(composed.hydra.overrides.task) != overrides:
        refused.append(tasks)
    return [not_from_files(refused, where)] if refused else []


def check_plugins(composed: DictConfig) -> list[UserError]:
    """Launchers and sweepers are programs: those that are known are run."""
    errors = []
    for name in ("launcher", "sweeper"):
        target = OmegaConf.select(composed, f"hydra.{name}._target_")
        inner = [key for key, _ in leaves(composed.hydra[name], "") if key.endswith("._target_")]
        if target not in PLUGINS or inner:
            errors.append(
                UserError(
                    f"hydra.{name} is a program that TextZoo does not know",
                    expected=f"one of {', '.join(sorted(PLUGINS))}",
                    received=f"{target} {' '.join(inner)}".strip(),
                )
            )
    return errors


def leaves(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(dotted name, value as written) of everything below a node; an empty section counts as a value."""
    if isinstance(node, DictConfig | ListConfig) and not node._is_none() and not node._is_interpolation() and len(node):
        keys = range(len(node)) if isinstance(node, ListConfig) else list(node)
        for key in keys:
            yield from leaves(node._get_node(key), f"{name}.{key}" if name else str(key))
    else:
        yield name, written(node)


def written(node: Any) -> Any:
    """A node's value before anything is put into it."""
    value = node._value() if hasattr(node, "_value") else node
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def check_values(composed: DictConfig, *, secret_sources: bool = True) -> list[UserError]:
    """Values that are made by a function (${oc.env:...}), or that repeat a secret, or refer in several steps.

    Args:
        composed: The configuration, references not yet resolved.
        secret_sources: Whether mlflow.uri may come from the environment; not where a run's folder says so.
    """
    keys = [str(key) for key in composed if key != "hydra"]
    values = {name: value for key in keys for name, value in leaves(composed._get_node(key), key)}
    return [error for name, value in values.items() if (error := value_mistake(name, value, values, secret_sources))]


def value_mistake(name: str, value: Any, values: dict[str, Any], secret_sources: bool) -> UserError | None:
    if name in ADDRESSES and HIDDEN in str(value):
        return UserError(f"the password of {name} is not kept in a run's folder", remedy=f"Give {name}=... again.")
    if isinstance(value, str) and not is_unicode(value):
        return UserError(f"{name} is no text: it holds half of a character", received=ascii(value))
    if not isinstance(value, str) or "${" not in value:
        return None
    plain = REFERENCE.sub("", value)
    if OPENED.search(plain):
        if name in ADDRESSES and secret_sources:
            return None
        return UserError(
            f"{name} is made by a function: {value}",
            expected=f"a value, or ${{another.key}}; functions such as oc.env only in {', '.join(sorted(ADDRESSES))}",
            remedy="What is configured is written into reports and the tracking store: give the value itself. "
            "Write \\${ for these two signs of a text.",
        )
    for target in REFERENCE.findall(value):
        whole = target.replace("[", ".").replace("]", "")
        if whole in ADDRESSES or "${" in str(values.get(whole, "${")):
            return UserError(
                f"{name} refers to {target}: {value}",
                expected="a reference to a key of the project, by its whole name, that holds a value itself",
                remedy="Give the value itself.",
            )
    return None


def is_unicode(text: str) -> bool:
    """Whether a text has a form in UTF-8; one that came as other bytes holds lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def with_chosen_groups(overrides: list[str], folder: Path, file: Path) -> list[str]:
    """The overrides, in the order given, with groups that win over the values of a user's file.

    Hydra reads a group first and then the file that stands on it. So the options are also added behind the file, each
    as one entry of the group CHOSEN. A file that has no defaults list cannot have its groups replaced.

    Args:
        overrides: Of the command line.
        folder: The project's conf/.
        file: The user's file.
    """
    given = {override.key_or_group: override for override in parse(overrides)[0] if not override.is_delete()}
    chosen = {name: options_listed(given[name]) for name in group_order(folder) if name in given}
    known = {name: options for name, options in chosen.items() if all_known(name, options, folder)}
    replaced = [given[name].input_line for name in known if len(known[name]) > 1 or not has_defaults(file)]
    kept = [text for text in overrides if text not in replaced]
    for name, options in known.items():
        for option in options:
            store_option(name, option, folder, set(given), content_of(file))
        kept.append(f"+{CHOSEN}/{name}={','.join(options)}")
    return kept


def options_listed(override: Override) -> list[str]:
    """The options that an override chooses; none where they cannot be listed, which is told elsewhere."""
    try:
        return [str(choice.value()) for choice in choices(override)]
    except (HydraException, ValueError):
        return []


def all_known(group: str, options: list[str], folder: Path) -> bool:
    return bool(options) and set(options) <= {*options_of(folder / group)}


def group_order(folder: Path) -> list[str]:
    """The groups in the order in which they are put on top of each other."""
    entries = read_bounded(folder / "config.yaml")["defaults"]
    return [next(iter(entry)) for entry in entries if isinstance(entry, dict) and "override" not in next(iter(entry))]


def has_defaults(file: Path) -> bool:
    """Whether a file stands on others; one that cannot be read is taken for one, and told when it is composed."""
    return bool(content_of(file, {"defaults": ["unknown"]}).get("defaults"))


def content_of(file: Path, unreadable: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        content = read_bounded(file)
    except (OSError, ValueError, yaml.YAMLError):
        return unreadable or {}
    return content if isinstance(content, dict) else {}


def store_option(group: str, option: str, folder: Path, given: set[str], file: dict[str, Any]) -> None:
    """Make the entry CHOSEN/group/option known to Hydra: what the option sets, and nothing that contradicts it."""
    values = option_values(group, option, folder, given)
    for section, unfit in UNFIT.items():
        chosen, before = values.get(section, {}).get("name"), file.get(section)
        if chosen and isinstance(before, dict) and before.get("name") != chosen:
            values[section] = {**unfit(chosen), **values[section]}
    ConfigStore.instance().store(group=f"{CHOSEN}/{group}", name=option, node=values, package="_global_")


def option_values(group: str, option: str, folder: Path, given: set[str]) -> dict[str, Any]:
    """What an option of a group sets, from the root on, the options that it chooses of other groups included."""
    path = folder / group / f"{option}.yaml"
    if not path.is_file() and option in entries(group):
        return {group: entries(group)[option]}
    content = read_bounded(path) or {}
    values: dict[str, Any] = {}
    for entry in content.pop("defaults", []):
        base, name = (group, entry) if isinstance(entry, str) else next(iter(entry.items()))
        base = base.removeprefix("override ").removeprefix("/")
        if name != "_self_" and (base == group or base not in given):
            values = merged(values, option_values(base, name, folder, given))
    package = PACKAGE.search(path.read_text(encoding="utf-8")[:512])
    place = package.group(1) if package else group.replace("/", ".")
    for part in reversed(place.split(".") if place != "_global_" else []):
        content = {part: content}
    return merged(values, content)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` on top of `base`, section by section."""
    both = {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in changes.items()
    }
    return {**base, **both}


def defaults_of(section: Any, keys: Collection[str]) -> dict[str, Any]:
    return {entry.name: default_of(entry) for entry in dataclasses.fields(section) if entry.name in keys}


def unfit_of_model(architecture: str) -> dict[str, Any]:
    """Keys that an architecture does not have, with their defaults."""
    return defaults_of(ModelConfig, keys_lacking(architecture))


def unfit_of_dataset(name: str) -> dict[str, Any]:
    """Keys that a corpus does not take, with their defaults."""
    kind = CORPORA.get(name)
    keys = {key for _, refused in (kind.not_taken if kind else ()) for key in refused}
    return defaults_of(DatasetConfig, keys if kind and kind.has_sources else {*keys, "sources"})


def unfit_of_tokenizer(name: str) -> dict[str, Any]:
    """What a kind of tokenizer may contradict, with its default."""
    return defaults_of(TokenizerConfig, ("vocabulary_size", "unknown", "min_count"))


# A file may set these for another architecture, corpus or kind than the one that the command line chooses.
UNFIT = {"model": unfit_of_model, "dataset": unfit_of_dataset, "tokenizer": unfit_of_tokenizer}
