"""From a command line to the one run that it asks for, composed and checked; all of its mistakes at once."""

import dataclasses
import sys
from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from textzoo.common.errors import UserError
from textzoo.common.escaping import visible
from textzoo.config import help as describe
from textzoo.config.arguments import no_current_folder, unreadable_bytes, with_whole_paths
from textzoo.config.chains import DESCRIBE, TALKING
from textzoo.config.check import check
from textzoo.config.chosen_groups import CHOSEN, with_chosen_groups
from textzoo.config.composing import (
    NOT_COMPOSED,
    check_sections,
    composed_of,
    explain_composition,
    mistake_in_file,
    register,
    resolved,
)
from textzoo.config.config_files import bound_files
from textzoo.config.implied import implied_options
from textzoo.config.named_boards import with_board_as_group
from textzoo.config.override_checks import check_overrides
from textzoo.config.overrides import choices, parse, single_value, with_literal_text
from textzoo.config.primary import PrimaryConfig, primary_of, project_file
from textzoo.config.publishing import ADDRESSES
from textzoo.config.resuming import is_of_hydra, of_resumed_run
from textzoo.config.run_folders import check_named, check_resumed_folder, check_writable
from textzoo.config.schema import Config
from textzoo.config.sweeps import check_subfolders, check_sweep, check_swept_models, first_variants
from textzoo.config.traces import is_run
from textzoo.config.untrusted import check_hydra, check_plugins, check_values
from textzoo.models.settings import ModelConfig

USER_MISTAKE = 2
MODEL_SECTION = "model."
# The run's folder may be another run's: what Hydra would write there is written once its lock is held.
NOTHING_WRITTEN = ["hydra.output_subdir=null"]
# Hydra would execute whatever the file holds.
RERUN = UserError(
    "--experimental-rerun reads a pickle, which may hold any program",
    expected="general.resume=<a run's folder>",
    remedy="It runs the same configuration again, and redoes what is not there yet.",
)


@dataclass(frozen=True)
class SingleRun:
    """The one run that a command line asks for, composed and checked.

    Attributes:
        composed: All sections, Hydra's own included, as Hydra has composed them.
        config: The project's sections, typed.
    """

    composed: DictConfig
    config: Config


@dataclass(frozen=True)
class Checked:
    """What a command line comes to.

    Attributes:
        errors: Every mistake of it, and of the files that it composes.
        directory: The folder of the run or the sweep; where there are no mistakes, like `run`.
        run: The run; of a sweep, the first one.
    """

    errors: list[UserError]
    directory: Path = Path()
    run: SingleRun | None = None


def prepare(arguments: list[str]) -> tuple[list[str], SingleRun | None]:
    """Check a command line, or exit: with 0 after help, with 2 after printing every mistake found.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The command line in the form that Hydra takes, and the run that it asks for; no run for a sweep, of which Hydra
        composes each run by itself, and for what Hydra answers (--cfg, --info).
    """
    register()
    if errors := [*no_current_folder(), *unreadable_bytes(arguments)]:
        refuse(errors)
    options = get_args_parser().parse_intermixed_args(arguments)
    if options.help:
        print_and_leave(describe.help_text())
    bound_files()
    if options.experimental_rerun:
        refuse([RERUN])
    if options.hydra_help:
        return ["--hydra-help"], None  # with a file it would set up the logging that the file describes
    if options.shell_completion or options.info is not None:
        return arguments, None
    try:
        arguments = completed(arguments, options)
    except UserError as error:
        refuse([error])
    options = get_args_parser().parse_args(arguments)
    if f"operation_mode={DESCRIBE}" in options.overrides:
        print_and_leave(describe.key_table(), describe.operator_table())
    found = checked(options)
    errors = found.errors
    if not errors and not options.cfg:
        errors = check_start(found, sweeping=options.multirun)
    if errors:
        refuse(errors)
    return arguments, None if options.multirun or options.cfg else found.run


def check_start(found: Checked, *, sweeping: bool) -> list[UserError]:
    """Return why what is free of mistakes cannot start: no folder to write to, or a sweep of what talks."""
    mode = found.run.config.operation_mode
    if sweeping and mode in TALKING:
        return [
            UserError(f"operation_mode={mode} is one conversation, and -m starts several runs", remedy="Leave -m out.")
        ]
    if sweeping:
        return check_sweep(found.directory)
    return check_writable(found.directory) if is_run(found.run.config) else []


def print_and_leave(*pages: str) -> NoReturn:
    """Print an answer that runs nothing, and exit with 0."""
    for page in pages:
        print(page)
    sys.exit(0)


def refuse(errors: list[UserError]) -> NoReturn:
    """Print all mistakes and exit with 2."""
    count = "1 mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
    print(f"The configuration has {count}; nothing was run.", file=sys.stderr)
    for error in errors:
        print(f"  * {visible(str(error))}", file=sys.stderr)
    sys.exit(USER_MISTAKE)


def completed(arguments: list[str], options: Namespace) -> list[str]:
    """Return the command line with all that it implies: flags first, then the overrides in one row, as Hydra wants."""
    flags = [argument for argument in arguments if argument not in options.overrides]
    flags = with_whole_paths(flags, options)
    overrides = [with_literal_text(text, sweeping=options.multirun) for text in options.overrides]
    overrides = with_board_as_group(overrides)
    earlier_flags, earlier = of_resumed_run(overrides, options)
    overrides, flags = [*earlier, *overrides], [*flags, *earlier_flags]
    primary = primary_of(get_args_parser().parse_args(flags))
    implied = implied_options(overrides, primary)
    if primary.users_file:
        # An experiment that nobody typed comes below the user's file, unless that file builds upon nothing.
        if primary.stands_alone:
            overrides, implied = [*overrides, *implied], []
        overrides = [*with_chosen_groups(overrides, primary), *settings_of_hydra(overrides, primary)]
    return [*flags, *overrides, *implied, *NOTHING_WRITTEN]


def settings_of_hydra(overrides: list[str], primary: PrimaryConfig) -> list[str]:
    """Return for a stand-alone file where the project has Hydra put its folders, and that it writes no log."""
    if not primary.stands_alone:
        return []
    given = {override.key_or_group for override in parse(overrides)[0]}
    hydra = OmegaConf.to_container(project_file().config, resolve=False)["hydra"]
    folders = {f"hydra.{part}.{key}": value for part, keys in hydra.items() for key, value in keys.items()}
    logging = [f"hydra/{name}=none" for name in ("job_logging", "hydra_logging")]
    return [*logging, *(f"{key}='{value}'" for key, value in folders.items() if key not in given)]


def checked(options: Namespace) -> Checked:
    """Compose and check what a command line asks for, once completed."""
    overrides, errors = parse(options.overrides)
    primary = primary_of(options)
    if options.multirun and options.cfg:
        errors.append(UserError("-m and --cfg exclude each other", remedy="--cfg shows one configuration: without -m."))
    good, mistakes = check_overrides(overrides, primary, sweeping=options.multirun)
    found = check_composed(good, primary, sweeping=options.multirun, downloads=not options.cfg)
    return replace(found, errors=[*errors, *mistakes, *found.errors])


def check_composed(overrides: list[Override], primary: PrimaryConfig, *, sweeping: bool, downloads: bool) -> Checked:
    """Compose, once, and find the mistakes that show in the values."""
    single = [next(choices(override)).input_line for override in overrides]
    if primary.users_file and (mistake := mistake_in_file(primary.users_file)):
        return Checked([mistake])
    try:
        composed = composed_of(single, primary)
        errors = refused_values(composed, overrides, primary) or check_sections(composed, overrides, primary.name)
        if errors:
            return Checked(errors)
        values, directory = resolved(composed), composed.hydra.sweep.dir if sweeping else composed.hydra.run.dir
    except UserError as error:
        return Checked([error])
    except NOT_COMPOSED as error:
        return Checked([explain_composition(error, primary)])
    errors = check_resumed_folder(values, directory, sweeping=sweeping) + check_named(directory, sweeping=sweeping)
    errors += check_subfolders(composed, overrides) if sweeping else []
    given = given_of_model(overrides, primary)
    checks = [check(variant, given, downloads=downloads) for variant in first_variants(values, overrides)]
    found = [*check_swept_models(overrides, given, primary), *(error for _, each in checks for error in each)]
    unique = {str(error): error for error in found}
    return Checked([*errors, *unique.values()], Path(directory), SingleRun(composed, checks[0][0]))


def refused_values(composed: DictConfig, overrides: list[Override], primary: PrimaryConfig) -> list[UserError]:
    """Refuse what would run programs, or carry secrets to where they can be read."""
    given = {override.key_or_group: override for override in overrides}
    resumed = single_value(given.get("general.resume"), "general.resume")
    errors = check_values(composed, secret_sources=not resumed or given.keys() >= ADDRESSES)
    errors += check_plugins(composed)
    if primary.users_file:
        of_hydra = [override.input_line for override in overrides if is_of_hydra(override)]
        baseline = composed_of(of_hydra, primary.project())
        errors += check_hydra(composed, baseline, len(overrides) - len(of_hydra), str(primary.users_file))
    return errors


def given_of_model(overrides: list[Override], primary: PrimaryConfig) -> set[str]:
    """Return the keys of the model section that the user gives, on the command line or in a file of their own.

    A file with all of them is what a run has kept of its configuration: it says nothing of what was given.

    Args:
        overrides: Of the command line; a model that they choose wins over the file's.
        primary: The primary configuration, which may be the user's.
    """
    names = [override.key_or_group for override in overrides if not override.is_delete()]
    given = {name.removeprefix(MODEL_SECTION) for name in names if name.startswith(MODEL_SECTION)}
    if {f"{CHOSEN}/model", f"{CHOSEN}/experiment"} & {*names}:
        return given
    section = (primary.content or {}).get("model")
    keys = set(section) if isinstance(section, dict) else set()
    return given if keys >= {entry.name for entry in dataclasses.fields(ModelConfig)} else given | keys
