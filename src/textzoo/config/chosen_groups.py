"""Groups of the command line over a user's file: what the options set is put on top of what the file says.

Hydra reads a group first and then the file that builds upon it. So the options chosen are also added behind the file,
each as one entry of the group CHOSEN. What an option sets, Hydra itself composes: all groups, and nothing else.
"""

import dataclasses
import functools
from collections.abc import Collection, Iterator
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.default_element import GroupDefault
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf

from textzoo.common.settings import default_of
from textzoo.config.composing import composed_of
from textzoo.config.named_boards import GROUP as BOARD_GROUP
from textzoo.config.named_boards import SECTION as HARDWARE_SETUP
from textzoo.config.named_boards import section
from textzoo.config.overrides import choices, parse
from textzoo.config.primary import PrimaryConfig, project_file
from textzoo.models.rules import keys_lacking, keys_of_text_models
from textzoo.models.settings import GRAPH, ModelConfig
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.settings import DatasetConfig, TokenizerConfig

# The group of Hydra's under which the options that the command line chose are put on top of a user's file.
CHOSEN = "chosen"
# A configuration of the project's groups, of which none has an option.
EMPTY_GROUPS = "empty_groups"


def with_chosen_groups(overrides: list[str], primary: PrimaryConfig) -> list[str]:
    """Return the overrides, in the order given, with groups that win over the values of a user's file.

    Args:
        overrides: Of the command line.
        primary: The user's file. One that has no defaults list cannot have its groups replaced.
    """
    given = {override.key_or_group: override for override in parse(overrides)[0] if not override.is_delete()}
    chosen = {name: options_listed(given[name]) for name in group_order() if name in given}
    known = {name: options for name, options in chosen.items() if options and {*options} <= {*primary.options(name)}}
    replaced = [given[name].input_line for name in known if len(known[name]) > 1 or primary.stands_alone]
    kept = [text for text in overrides if text not in replaced]
    for name, options in known.items():
        stored = [store_option(name, option, {*given}, primary) for option in options]
        kept.append(f"+{CHOSEN}/{name}={','.join(options)}")
        if name == BOARD_GROUP and len(stored) == 1 and primary.stands_alone:
            kept += facts_of_another_board(stored[0], primary)
    return kept


def facts_of_another_board(values: dict[str, Any], primary: PrimaryConfig) -> list[str]:
    """Return overrides that delete the facts of the file's own board that the chosen one's values do not set."""
    own, chosen = (section(section(each, "deployment"), "hardware_setup") for each in (primary.content or {}, values))
    return [f"~{HARDWARE_SETUP}.{key}" for key in keys_beyond(own, chosen)]


def keys_beyond(values: dict[str, Any], others: dict[str, Any]) -> Iterator[str]:
    """Yield the dotted keys that only the first of two nested mappings has, without those of null, which says nothing.

    Hydra cannot delete a key of null either.
    """
    for name, value in values.items():
        if name not in others and value is not None:
            yield name
        elif isinstance(value, dict) and isinstance(others.get(name), dict):
            yield from (f"{name}.{key}" for key in keys_beyond(value, others[name]))


def options_listed(override: Override) -> list[str]:
    """Return the options that an override chooses; none where they cannot be listed, which is reported elsewhere."""
    try:
        return [str(choice.value()) for choice in choices(override)]
    except (HydraException, ValueError):
        return []


@functools.cache
def group_order() -> tuple[str, ...]:
    """Return the project's groups in the order in which conf/config.yaml puts them on top of each other."""
    entries = [entry for entry in project_file().defaults_list if isinstance(entry, GroupDefault)]
    return tuple(entry.group for entry in entries if not entry.override)


def store_option(group: str, option: str, given: set[str], primary: PrimaryConfig) -> dict[str, Any]:
    """Make the entry CHOSEN/group/option known to Hydra: what the option sets, and nothing that contradicts it.

    Return these values, from the root of the configuration on.
    """
    values = option_values(group, option, given, primary)
    for name, unfit in UNFIT.items():
        chosen, before = chosen_name(values.get(name, {})), (primary.content or {}).get(name)
        if chosen and isinstance(before, dict) and chosen_name(before) != chosen:
            values[name] = {**unfit(chosen), **values[name]}
    ConfigStore.instance().store(group=f"{CHOSEN}/{group}", name=option, node=values, package="_global_")
    return values


def chosen_name(values: dict[str, Any]) -> Any:
    """Return the name that values of a section choose: of a plain graph, which has none, its kind."""
    return GRAPH if values.get("kind") == GRAPH else values.get("name")


def option_values(group: str, option: str, given: set[str], primary: PrimaryConfig) -> dict[str, Any]:
    """Return what an option of a group sets, from the root on, with the options that it chooses of other groups.

    Args:
        group: The group.
        option: Its option.
        given: Groups of which the command line chooses the options itself.
        primary: Whose search path has the options.
    """
    ConfigStore.instance().store(name=EMPTY_GROUPS, node={"defaults": [{name: None} for name in group_order()]})
    others = [f"~{name}" for name in group_order() if name in given - {group}]
    empty = dataclasses.replace(primary.project(), name=EMPTY_GROUPS)
    composed = composed_of([f"{group}={option}", *others], empty)
    values = OmegaConf.to_container(composed, resolve=False)
    return {name: value for name, value in values.items() if name != "hydra"}


def defaults_of(section: Any, keys: Collection[str]) -> dict[str, Any]:
    """Return the defaults of some keys of a section."""
    return {entry.name: default_of(entry) for entry in dataclasses.fields(section) if entry.name in keys}


def unfit_of_model(architecture: str) -> dict[str, Any]:
    """Return the keys that an architecture, or a plain graph, does not have, with their defaults."""
    if architecture == GRAPH:
        return defaults_of(ModelConfig, keys_of_text_models())
    return defaults_of(ModelConfig, {"kind", *keys_lacking(architecture)})


def unfit_of_dataset(name: str) -> dict[str, Any]:
    """Return the keys that a corpus does not take, with their defaults."""
    kind = CORPORA.get(name)
    keys = {key for _, refused in (kind.not_taken if kind else ()) for key in refused}
    return defaults_of(DatasetConfig, keys if kind and kind.has_sources else {*keys, "sources"})


def unfit_of_tokenizer(name: str) -> dict[str, Any]:
    """Return what a kind of tokenizer may contradict, with its default."""
    return defaults_of(TokenizerConfig, ("vocabulary_size", "unknown", "min_count"))


# A file may set these for another architecture, corpus or kind than the one that the command line chooses.
UNFIT = {"model": unfit_of_model, "dataset": unfit_of_dataset, "tokenizer": unfit_of_tokenizer}
