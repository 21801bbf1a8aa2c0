"""Mistakes in the overrides themselves: unknown keys and options, and values that cannot be listed."""

import itertools
import typing
from typing import Any

from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException

from textzoo.common.errors import UserError, short_reason
from textzoo.common.registry import did_you_mean, nearest, unknown_name
from textzoo.common.settings import section_of
from textzoo.config.chosen_groups import CHOSEN
from textzoo.config.overrides import choices
from textzoo.config.primary import PrimaryConfig, is_group
from textzoo.config.schema import walk

# Values of a sweep that are checked, at the most.
MAX_SWEEP_CHECKS = 256
# Sweeps for optimizers of hyperparameters, and over what Hydra finds in folders.
NOT_LISTED = (ValueType.INTERVAL_SWEEP, ValueType.GLOB_CHOICE_SWEEP)


def check_overrides(
    overrides: list[Override], primary: PrimaryConfig, *, sweeping: bool
) -> tuple[list[Override], list[UserError]]:
    """Return the overrides that can be composed, and a mistake for each of the others."""
    problems = [(override, check_override(override, primary, sweeping=sweeping)) for override in overrides]
    good = [override for override, problem in problems if not problem]
    return good, [problem for _, problem in problems if problem]


def check_override(override: Override, primary: PrimaryConfig, *, sweeping: bool) -> UserError | None:
    """Refuse a key that the schema does not have, an option that a group does not have, or a sweep without -m."""
    name = override.key_or_group
    if override.is_sweep_override() and not sweeping:
        return UserError(f"{name} has several values", remedy="A sweep needs -m.")
    try:
        chosen = first_values(override)
    except (HydraException, ValueError) as error:
        remedy = "Write the values one by one, with commas."
        reason = "they are not a list" if override.value_type in NOT_LISTED else short_reason(error)
        return UserError(f"the values of '{override.input_line}' cannot be listed: {reason}", remedy=remedy)
    if name == "hydra" or name.startswith(("hydra.", "hydra/", f"{CHOSEN}/")):
        return None
    if is_group(name):
        return None if override.is_delete() else check_options(name, chosen, primary.options(name))
    return check_key(name)


def first_values(override: Override) -> list[Any]:
    """Return the value of an override; of a sweep, its first ones, which are at least one."""
    values = [choice.value() for choice in itertools.islice(choices(override), MAX_SWEEP_CHECKS)]
    if not values:
        raise ValueError("there is none")
    return values


def check_options(group: str, chosen: list[Any], options: list[str]) -> UserError | None:
    """Refuse an option that a group does not have; or none at all (null), which Hydra takes from files only."""
    if None in chosen:
        expected = f"one of {', '.join(options)}"
        return UserError(f"{group}=null chooses nothing", expected=expected, remedy="Leave it out for the default.")
    unknown = [str(value) for value in chosen if str(value) not in options]
    return unknown_name(group, unknown[0], options) if unknown else None


def has_keys_of_its_own(kind: Any) -> bool:
    """Return whether a key's type is a table, or a section that may be absent: what is below it is checked later."""
    return typing.get_origin(kind) is dict or section_of(kind, {}) is not None


def check_key(name: str) -> UserError | None:
    """Refuse an unknown key, with the nearest one, by its whole name or by its last part."""
    keys = [key for key, _ in walk()]
    sections = {key.rpartition(".")[0] for key in keys} - {""}
    below = tuple(f"{key}." for key, entry in walk() if has_keys_of_its_own(entry.type))
    if name in keys or name in sections or name.startswith(below):
        return None
    by_last_part = {key.rpartition(".")[2]: key for key in keys}
    hint = did_you_mean(name, [*keys, *sections])
    last = nearest(name.rpartition(".")[2], by_last_part)
    if not hint and last:
        hint = f"Did you mean '{by_last_part[last]}'?"
    return UserError(f"unknown key {name}", remedy=hint or "operation_mode=describe lists all keys.")
