"""What `pretrained=true` implies: the experiment that trained the model, and the model's files."""

from typing import Any

from hydra.core.override_parser.types import Override

from textzoo.common.errors import UserError
from textzoo.config import pretrained
from textzoo.config.composing import NOT_COMPOSED, composed_of
from textzoo.config.overrides import choices, parse, quoted, single_value
from textzoo.config.primary import PrimaryConfig, is_group

PURPOSE = "pretrained=true"


def implied_options(overrides: list[str], primary: PrimaryConfig) -> list[str]:
    """Return the overrides that follow from others: a pretrained model's experiment and files, if not given."""
    given = {override.key_or_group: override for override in parse(overrides)[0] if not override.is_delete()}
    if "pretrained" not in given and primary.users_file is None:
        return []
    single_value(given.get("pretrained"), PURPOSE)
    chosen = chosen_options(given, primary)
    if chosen.get("pretrained") is not True:
        return []
    for group in ("model", "quantization"):
        single_value(given.get(group), PURPOSE)
    added = pretrained.overrides(str(chosen["model"]), str(chosen["quantization"]))
    return [f"{key}={quoted(value)}" for key, value in added.items() if key not in given]


def chosen_options(given: dict[str, Override], primary: PrimaryConfig) -> dict[str, Any]:
    """Return the option of each group, and `pretrained`, by the command line and the files below it."""
    project = primary.project()
    if primary.stands_alone:  # it has no groups
        primary, given = project, only_options(given)
    try:
        composed = composed_of([next(choices(override)).input_line for override in given.values()], primary)
        return {**composed.hydra.runtime.choices, "pretrained": composed.pretrained}
    except (UserError, *NOT_COMPOSED):
        # Why it does not compose is reported when all is checked; here the command line alone counts.
        names = given.keys() & {"pretrained", "model", "quantization"}
        named = {name: single_value(given[name], PURPOSE) for name in names}
        return {**composed_of([], project).hydra.runtime.choices, **named}


def only_options(given: dict[str, Override]) -> dict[str, Override]:
    """Return the overrides that choose an option of a group, and that of `pretrained`."""
    return {name: override for name, override in given.items() if name == "pretrained" or is_group(name)}
