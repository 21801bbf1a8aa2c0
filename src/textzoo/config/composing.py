"""Composition by Hydra, and in the user's words what keeps a file from being composed."""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textzoo.common.bounded_yaml import fault_of, read_limited, values_of
from textzoo.common.errors import UserError, short_reason
from textzoo.common.secrets import remember_environment
from textzoo.config.config_files import GLOBAL
from textzoo.config.options import register_entries
from textzoo.config.primary import PrimaryConfig
from textzoo.config.schema import Config
from textzoo.targets.board_facts import required_facts

# What Hydra calls the job, and the rules of its versions that hold.
JOB, VERSION_BASE = "stm32ai_main", "1.3"
MAX_MESSAGE = 500
# What Hydra lets through of a file that it cannot read, or of a key of its own that has another type.
NOT_COMPOSED = (
    HydraException,
    OmegaConfBaseException,
    yaml.YAMLError,
    AttributeError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
# What a document of YAML may be instead of keys and values.
KINDS = {list: "list", str: "text", int: "number", float: "number"}
PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)


@functools.cache
def started_at() -> str:
    """Return this process's start as a folder name; microseconds keep two runs of one second apart."""
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")


def run_folder(resume: str | None, mode: str) -> str:
    """Return the run's folder: a new one, or the one that is resumed."""
    return str(resume) if resume else f"experiments_outputs/{started_at()}_{mode}"


def register() -> None:
    """Make the schema's defaults, options that have no file, and the run folder known to Hydra.

    The defaults are stored as plain values: types and ranges are checked by `check`, which finds all mistakes at
    once where Hydra would stop at the first.
    """
    ConfigStore.instance().store(name="schema", node=schema_values())
    register_entries()
    OmegaConf.register_new_resolver("textzoo_run_folder", run_folder, replace=True)
    remember_environment()
    OmegaConf.register_new_resolver("textzoo_started_at", started_at, replace=True)


def schema_values() -> dict[str, Any]:
    """Return the default of every key that has one; a board's facts come from the group `board`."""
    values = dataclasses.asdict(Config())
    for entry in required_facts():
        del values["deployment"]["hardware_setup"][entry.name]
    return values


def composed_of(overrides: list[str], primary: PrimaryConfig) -> DictConfig:
    """Return the configuration that the overrides give, Hydra's own section included; nothing is resolved yet."""
    version.setbase(VERSION_BASE)
    hydra = Hydra(task_name=JOB, config_loader=ConfigLoaderImpl(primary.search_path()))
    return hydra.compose_config(primary.name, overrides, RunMode.RUN, from_shell=False)


def resolved(composed: DictConfig) -> dict[str, Any]:
    """Return the values of the project's sections."""
    chosen = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
    return OmegaConf.to_container(chosen, resolve=True)


def mistake_in_file(file: Path) -> UserError | None:
    """Return what keeps a user's file from being a configuration, where Hydra would say less or something else."""
    try:
        text = read_limited(file)
        content = values_of(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None  # reported when it is composed
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
    if package and package[1] != GLOBAL:
        what = f"{file} begins with '{package[0]}', as options of groups do"
        return UserError(what, remedy="Take this line out: the file is the configuration itself.")
    return None


def listed(value: Any) -> list[Any]:
    """Return the value where it is a list; otherwise nothing, and Hydra says what is wrong with it."""
    return value if isinstance(value, list) else []


def check_sections(values: Iterable[str], overrides: list[Override], name: str) -> list[UserError]:
    """Refuse a user's file that lacks sections: alone it would take its defaults from the schema, none of conf/'s."""
    deleted = {override.key_or_group for override in overrides if override.is_delete()}
    missing = [entry.name for entry in dataclasses.fields(Config) if entry.name not in {*values, *deleted}]
    return [not_on_defaults(name, f"it has no {', '.join(missing)}")] if missing else []


def explain_composition(error: Exception, primary: PrimaryConfig) -> UserError:
    """Return in one line why Hydra cannot compose a configuration."""
    message, name = message_of(error), primary.name
    if group := re.match(r"Multiple values for (\S+?)\.", message):
        remedy = f"Write it without '+', or 'override {group[1]}' in a file: one option is chosen already."
        return UserError(f"{group[1]} is chosen twice", remedy=remedy)
    if primary.users_file and "not in struct" in str(error):
        return not_on_defaults(name, message)
    if isinstance(error, yaml.YAMLError):
        mark = getattr(error, "problem_mark", None)
        return UserError(f"{mark.name if mark else name} cannot be composed: {fault_of(error)}")
    if isinstance(error, UnicodeDecodeError):
        return UserError(f"{name} or a file that it names is not UTF-8: {message}", remedy="Save it as UTF-8.")
    if isinstance(error, RecursionError):
        remedy = "A file's defaults must not name the file itself: give it another name than theirs."
        return UserError(f"{name} leads back to itself, or is nested too deeply", remedy=remedy)
    return UserError(f"the configuration cannot be composed: {message}")


def message_of(error: Exception) -> str:
    """Return what Hydra says, in one line, without the folders in which it looked."""
    text = str(error).partition("Config search path:")[0]
    return " ".join(text.split())[:MAX_MESSAGE] or short_reason(error)


def not_on_defaults(name: str, reason: str) -> UserError:
    """Return the mistake of a user's file that lacks the project's defaults."""
    rename = "Name it otherwise than TextZoo's own config.yaml; begin" if Path(name).stem == "config" else "Begin"
    return UserError(
        f"{name} does not extend TextZoo's default configuration: {reason}",
        remedy=f"{rename} the file with the lines 'defaults:', '  - config', '  - _self_'.",
    )
