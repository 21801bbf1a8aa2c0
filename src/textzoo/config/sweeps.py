"""Sweeps: many runs of one command line, of which every value is checked, each in a folder of its own."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from textzoo.common.errors import UserError, collecting
from textzoo.common.locks import hold
from textzoo.config.chosen_groups import option_values
from textzoo.config.override_checks import MAX_SWEEP_CHECKS, first_values
from textzoo.config.overrides import choices
from textzoo.config.primary import PrimaryConfig
from textzoo.config.run_folders import check_writable
from textzoo.models.rules import keys_not_taken

# Beside the locks of a sweep's runs; held until the process ends.
SWEEP_LOCK = ".sweep_lock"
SWEEP_LOCKS: list[Any] = []


def check_sweep(folder: Path) -> list[UserError]:
    """Return why the sweep's folder cannot be written to, or is not this sweep's alone until the program ends."""
    errors = check_writable(folder, "hydra.sweep.dir")
    if not errors:
        with collecting(errors):
            SWEEP_LOCKS.append(hold(folder / SWEEP_LOCK))
    return errors


def check_subfolders(composed: DictConfig, overrides: list[Override]) -> list[UserError]:
    """Refuse one folder for several runs of a sweep: each would replace the one before."""
    subdir = str(OmegaConf.to_container(composed.hydra.sweep, resolve=False)["subdir"])
    if "${" in subdir or not any(override.is_sweep_override() for override in overrides):
        return []
    what = f"hydra.sweep.subdir={subdir} is one folder for all runs of the sweep"
    return [UserError(what, remedy="Leave it out; or put '${hydra.job.num}' into it, in quotes.")]


def check_swept_models(overrides: list[Override], given: set[str], primary: PrimaryConfig) -> list[UserError]:
    """Refuse keys that one of several architectures does not have, of a sweep over the group `model`."""
    sweeps = [override for override in overrides if override.key_or_group == "model" and override.is_sweep_override()]
    options = [str(option) for sweep in sweeps for option in first_values(sweep)]
    names = dict.fromkeys(option_values("model", option, set(), primary)["model"].get("name") for option in options)
    return [error for name in names for error in keys_not_taken(str(name), given)]


def sweep_variants(values: dict[str, Any], overrides: list[Override]) -> Iterator[dict[str, Any]]:
    """Yield the composed values, and for each further value of a swept key the same values with that one changed."""
    swept = [override for override in overrides if override.is_sweep_override() and "." in override.key_or_group]
    yield values
    for override in swept:
        for choice in itertools.islice(choices(override), 1, None):
            variant = OmegaConf.create(values)
            OmegaConf.update(variant, override.key_or_group, choice.value())
            yield OmegaConf.to_container(variant)


def first_variants(values: dict[str, Any], overrides: list[Override]) -> list[dict[str, Any]]:
    """Return so many of the variants as are checked."""
    return list(itertools.islice(sweep_variants(values, overrides), MAX_SWEEP_CHECKS))
