"""What a composed configuration must not hold: programs of Hydra's section, functions, secrets that would be kept."""

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from textzoo.common.errors import UserError
from textzoo.common.secrets import HIDDEN
from textzoo.config.config_files import not_from_files
from textzoo.config.publishing import ADDRESSES

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


def check_hydra(composed: DictConfig, baseline: DictConfig, overrides: int, where: str) -> list[UserError]:
    """Return what files change in Hydra's own section, beyond folders.

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
    """Refuse launchers and sweepers, which are programs, but for those that are known."""
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
    """Yield (dotted name, value as written) of everything below a node; an empty section counts as a value."""
    if isinstance(node, DictConfig | ListConfig) and not node._is_none() and not node._is_interpolation() and len(node):
        keys = range(len(node)) if isinstance(node, ListConfig) else list(node)
        for key in keys:
            yield from leaves(node._get_node(key), f"{name}.{key}" if name else str(key))
    else:
        yield name, written(node)


def written(node: Any) -> Any:
    """Return a node's value before anything is put into it."""
    value = node._value() if hasattr(node, "_value") else node
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def check_values(composed: DictConfig, *, secret_sources: bool = True) -> list[UserError]:
    """Refuse values that a function gives (${oc.env:...}), or that repeat a secret, or refer in several steps.

    Args:
        composed: The configuration, references not yet resolved.
        secret_sources: Whether mlflow.uri may come from the environment; not if a run's folder says so.
    """
    keys = [str(key) for key in composed if key != "hydra"]
    values = {name: value for key in keys for name, value in leaves(composed._get_node(key), key)}
    return [error for name, value in values.items() if (error := value_mistake(name, value, values, secret_sources))]


def value_mistake(name: str, value: Any, values: dict[str, Any], secret_sources: bool) -> UserError | None:
    """Return what is wrong with the value of a dotted key; `values` holds all of them."""
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
            f"{name} is computed by a function: {value}",
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
    """Return whether a text has a form in UTF-8; one that came as other bytes holds lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
