"""What stands before Hydra: help, all mistakes of a command line at once, and resuming a run's own command line."""

import dataclasses
import functools
import itertools
import os
import re
import sys
import tempfile
import typing
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import yaml
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textzoo.common.bounded_yaml import fault_of, read_bounded
from textzoo.common.errors import UserError, collecting, short_reason
from textzoo.common.escaping import visible
from textzoo.common.files import make_folder
from textzoo.common.locks import hold
from textzoo.common.registry import did_you_mean, nearest, unknown_name
from textzoo.common.secrets import remember_environment
from textzoo.config import help as describe
from textzoo.config import pretrained
from textzoo.config.boards import SECTION, board_names
from textzoo.config.chains import DESCRIBE
from textzoo.config.check import check
from textzoo.config.composition import (
    CHOSEN,
    bound_files,
    check_hydra,
    check_plugins,
    check_values,
    has_defaults,
    is_unicode,
    mistake_in_file,
    with_chosen_groups,
)
from textzoo.config.options import options_of, register_entries
from textzoo.config.overrides import choices, parse, quoted, single_value, with_literal_text
from textzoo.config.places import ADDRESSES
from textzoo.config.resuming import is_of_hydra, of_resumed_run, read_yaml
from textzoo.config.schema import Config, walk
from textzoo.models.rules import keys_not_taken
from textzoo.models.settings import ModelConfig
from textzoo.targets.board_facts import required_facts

USER_MISTAKE = 2
MAX_SWEEP_CHECKS = 256
MODEL_SECTION = "model."
BOARD_KEY = f"{SECTION}.board"
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

# Sweeps for optimizers of hyperparameters, and over what Hydra finds in folders.
NOT_LISTED = (ValueType.INTERVAL_SWEEP, ValueType.GLOB_CHOICE_SWEEP)
# Beside the locks of a sweep's runs; held until the process ends.
SWEEP_LOCK = ".sweep_lock"
SWEEP_LOCKS: list[Any] = []
# The run's folder may be another run's: what Hydra would write there is written once its lock is held.
NOTHING_WRITTEN = ["hydra.output_subdir=null"]


@functools.cache
def started_at() -> str:
    """This process's start as a folder name; microseconds keep two runs of one second apart."""
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")


def run_folder(resume: str | None, mode: str) -> str:
    """The run's folder: a new one, or the one that is resumed."""
    return str(resume) if resume else f"experiments_outputs/{started_at()}_{mode}"


def register() -> None:
    """Make the schema's defaults, options that are no files, and the run folder known to Hydra.

    The defaults are stored as plain values: types and ranges are checked by `check`, which finds all mistakes at
    once where Hydra would stop at the first.
    """
    ConfigStore.instance().store(name="schema", node=schema_values())
    register_entries()
    OmegaConf.register_new_resolver("textzoo_run_folder", run_folder, replace=True)
    remember_environment()
    OmegaConf.register_new_resolver("textzoo_started_at", started_at, replace=True)


def schema_values() -> dict[str, Any]:
    """The default of every key that has one; a board's facts come from the group `board`."""
    values = dataclasses.asdict(Config())
    for entry in required_facts():
        del values["deployment"]["hardware_setup"][entry.name]
    return values


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


def prepare(arguments: list[str], folder: Path) -> tuple[list[str], SingleRun | None]:
    """Check a command line, or exit: with 0 after help, with 2 after printing every mistake found.

    Args:
        arguments: The command line without the program's name.
        folder: The project's conf/ folder.

    Returns:
        The command line in the form that Hydra takes, and the run that it asks for; no run for a sweep, of which Hydra
        composes each run by itself, and for what Hydra answers (--cfg, --info).
    """
    register()
    if errors := [*no_current_folder(), *unreadable_bytes(arguments)]:
        refuse(errors)
    options = get_args_parser().parse_intermixed_args(arguments)
    if options.help:
        print(describe.help_text(folder))
        sys.exit(0)
    bound_files()
    if options.experimental_rerun:
        refuse([RERUN])
    if options.hydra_help:
        return ["--hydra-help"], None  # with a file it would set up the logging that the file describes
    if options.shell_completion or options.info is not None:
        return arguments, None
    try:
        arguments = completed(arguments, options, folder)
    except UserError as error:
        refuse([error])
    options = get_args_parser().parse_args(arguments)
    if f"operation_mode={DESCRIBE}" in options.overrides:
        print(describe.key_table())
        print(describe.operator_table())
        sys.exit(0)
    found = checked(options, folder)
    errors = found.errors
    if not errors and not options.cfg:
        errors = check_sweep(found.directory) if options.multirun else check_writable(found.directory)
    if errors:
        refuse(errors)
    return arguments, None if options.multirun or options.cfg else found.run


def no_current_folder() -> list[UserError]:
    """The current folder was deleted meanwhile: no path could be found from it."""
    return [] if current() else [UserError("the current folder is not there any more", remedy="Change to another one.")]


def unreadable_bytes(arguments: list[str]) -> list[UserError]:
    """Arguments, and a current folder, whose bytes are no UTF-8: reports and the tracking store hold text."""
    places = [*(("the command line", argument) for argument in arguments), ("the current folder's path", current())]
    return [bytes_mistake(place, os.fsencode(text)) for place, text in places if not is_unicode(text)]


def bytes_mistake(place: str, content: bytes) -> UserError:
    """Bytes that Python cannot read as text: they are no UTF-8, or its language settings know no UTF-8."""
    encoding, received = sys.getfilesystemencoding(), ascii(content.decode("latin-1"))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return UserError(
            f"{place} holds bytes that are not UTF-8",
            expected="UTF-8, as the system's language settings say",
            received=received,
            remedy="Rename the file or folder, or write the text in UTF-8. A folder may hold files of any name.",
        )
    return UserError(
        f"{place} holds signs that {encoding} does not have, and the language settings ask for {encoding}",
        expected="settings for UTF-8",
        received=f"{received}, LC_ALL={os.environ.get('LC_ALL')}, PYTHONUTF8={os.environ.get('PYTHONUTF8')}",
        remedy="Set PYTHONUTF8=1, or LC_ALL=C.UTF-8.",
    )


def current() -> str:
    """The current folder; "" where it was deleted meanwhile."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""


def completed(arguments: list[str], options: Namespace, folder: Path) -> list[str]:
    """The command line with all that it implies: flags first, then the overrides in one row, as Hydra wants them."""
    flags = [argument for argument in arguments if argument not in options.overrides]
    overrides = [with_literal_text(text, sweeping=options.multirun) for text in options.overrides]
    overrides = with_board_as_group(overrides)
    flags = with_project_configuration(flags, options, folder)
    earlier_flags, earlier = of_resumed_run(overrides, options, folder)
    overrides, flags = [*earlier, *overrides], [*flags, *earlier_flags]
    options = get_args_parser().parse_args([*flags, *overrides])
    implied = implied_options(overrides, options, folder)
    if file := users_file(options, folder):
        # An experiment that nobody typed stands below the user's file, unless that file cannot stand on anything.
        if not has_defaults(file):
            overrides, implied = [*overrides, *implied], []
        overrides = [*with_chosen_groups(overrides, folder, file), *settings_of_hydra(overrides, folder, file)]
    return [*flags, *overrides, *implied, *NOTHING_WRITTEN]


def users_file(options: Namespace, folder: Path) -> Path | None:
    """The primary configuration where it is not the project's own conf/config.yaml."""
    name = (options.config_name or "config").removesuffix(".yaml")
    place = Path(options.config_path or folder)
    return None if (place, name) == (folder, "config") else place / f"{name}.yaml"


def settings_of_hydra(overrides: list[str], folder: Path, file: Path) -> list[str]:
    """For a file that stands alone: where the project has Hydra put its folders, and that it writes no log."""
    if has_defaults(file):
        return []
    given = {override.key_or_group for override in parse(overrides)[0]}
    hydra = read_yaml(folder / "config.yaml", dict, "")["hydra"]
    places = {f"hydra.{part}.{key}": value for part, keys in hydra.items() for key, value in keys.items()}
    logging = [f"hydra/{name}=none" for name in ("job_logging", "hydra_logging")]
    return [*logging, *(f"{key}='{value}'" for key, value in places.items() if key not in given)]


def refuse(errors: list[UserError]) -> NoReturn:
    """Print all mistakes and exit with 2."""
    count = "1 mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
    print(f"The configuration has {count}; nothing was run.", file=sys.stderr)
    for error in errors:
        print(f"  * {visible(str(error))}", file=sys.stderr)
    sys.exit(USER_MISTAKE)


def with_project_configuration(arguments: list[str], options: Namespace, folder: Path) -> list[str]:
    """Where --config-path names a folder of the user's, keep the project's conf/ in reach for its groups.

    A relative path is looked for in the current folder first, as users expect, then beside the program, as Hydra does.
    """
    if options.config_path is None or options.config_path.startswith("pkg://"):
        return arguments
    here = Path(options.config_path).resolve()
    chosen = here if here.is_dir() else (folder.parent / options.config_path).resolve()
    if not chosen.is_dir():
        raise UserError(f"--config-path: there is no folder '{options.config_path}'", remedy="Check the path.")
    extra = [] if options.config_dir else [f"--config-dir={folder}"]
    return [*without_option(arguments, ("--config-path", "-cp")), f"--config-path={chosen}", *extra]


def without_option(arguments: list[str], names: tuple[str, ...]) -> list[str]:
    """The arguments without an option and its value, written as `--name value` or `--name=value`."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument not in names and not argument.startswith(tuple(f"{name}=" for name in names)):
            kept.append(argument)
        skip = not skip and argument in names
    return kept


def with_board_as_group(overrides: list[str]) -> list[str]:
    """The overrides with the board's name as the option of the group `board`, which brings the facts of that board."""
    by_key = [text for text in overrides if text.startswith(f"{BOARD_KEY}=")]
    others = [text for text in overrides if text not in by_key and not (by_key and text.startswith("board="))]
    return [*others, *(text.replace(BOARD_KEY, "board", 1) for text in by_key)]


def implied_options(overrides: list[str], options: Namespace, folder: Path) -> list[str]:
    """What follows from the options: a pretrained model's experiment and files, and the facts of a board."""
    given = {override.key_or_group: override for override in parse(overrides)[0] if not override.is_delete()}
    file = users_file(options, folder)
    if "pretrained" not in given and file is None:
        return []
    single_value(given.get("pretrained"), "pretrained=true")
    chosen = chosen_options(given, options, folder)
    return [*of_named_board(chosen), *of_pretrained_model(chosen, given)]


def of_named_board(chosen: dict[str, Any]) -> list[str]:
    """For a file that names a board: its option of the group, which brings the facts that the file does not say."""
    name = chosen.get(BOARD_KEY)
    return [f"board={name}"] if name in board_names() and name != chosen.get("board", name) else []


def of_pretrained_model(chosen: dict[str, Any], given: dict[str, Override]) -> list[str]:
    """For `pretrained=true`: the experiment and the files of that model, where nothing else is given."""
    if chosen.get("pretrained") is not True:
        return []
    for group in ("model", "quantization"):
        single_value(given.get(group), "pretrained=true")
    added = pretrained.overrides(str(chosen["model"]), str(chosen["quantization"]))
    return [f"{key}={quoted(value)}" for key, value in added.items() if key not in given]


def chosen_options(given: dict[str, Override], options: Namespace, folder: Path) -> dict[str, Any]:
    """The option of each group, `pretrained` and the board's name, by the command line and the files below it."""
    file, project = users_file(options, folder), Namespace(config_path=None, config_name=None)
    if file and not has_defaults(file):  # it has no groups
        options, given = project, only_options(given, folder)
    try:
        composed = composed_of([next(choices(override)).input_line for override in given.values()], options, folder)
        named = {"pretrained": composed.pretrained, BOARD_KEY: OmegaConf.select(composed, BOARD_KEY)}
        return {**composed.hydra.runtime.choices, **named}
    except (UserError, *NOT_COMPOSED):
        # Why it does not compose is told when all is checked; here the command line alone counts.
        names = given.keys() & {"pretrained", "model", "quantization"}
        named = {name: single_value(given[name], "pretrained=true") for name in names}
        return {**composed_of([], project, folder).hydra.runtime.choices, **named}


def only_options(given: dict[str, Override], folder: Path) -> dict[str, Override]:
    """The overrides that choose an option of a group, and that of `pretrained`."""
    return {name: override for name, override in given.items() if name == "pretrained" or (folder / name).is_dir()}


def check_writable(folder: Path, key: str = "hydra.run.dir") -> list[UserError]:
    """The folder of the run, or of the sweep, can be made and written to, before Hydra tries."""
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            return []
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = f"Give another {key}, or mend its permissions or free space."
        return [UserError(f"the run's folder '{folder}' cannot be written: {reason}", remedy=remedy)]


def check_sweep(folder: Path) -> list[UserError]:
    """The sweep's folder can be written to, and is this sweep's alone until the program ends."""
    errors = check_writable(folder, "hydra.sweep.dir")
    if not errors:
        with collecting(errors):
            SWEEP_LOCKS.append(hold(folder / SWEEP_LOCK))
    return errors


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


def checked(options: Namespace, folder: Path) -> Checked:
    """Compose and check what a command line asks for."""
    overrides, errors = parse(options.overrides)
    if options.multirun and options.cfg:
        errors.append(UserError("-m and --cfg exclude each other", remedy="--cfg shows one configuration: without -m."))
    good: list[Override] = []
    for override in overrides:
        problem = check_override(override, folder, sweeping=options.multirun)
        if problem:
            errors.append(problem)
        else:
            good.append(override)
    found = check_composed(options, good, folder)
    return replace(found, errors=errors + found.errors)


def check_override(override: Override, folder: Path, *, sweeping: bool) -> UserError | None:
    """A key that the schema does not have, an option that a group does not have, or a sweep without -m."""
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
    if (folder / name).is_dir():
        return None if override.is_delete() else check_options(name, chosen, options_of(folder / name))
    return check_key(name)


def first_values(override: Override) -> list[Any]:
    """The value of an override; of a sweep, its first ones, which are at least one."""
    values = [choice.value() for choice in itertools.islice(choices(override), MAX_SWEEP_CHECKS)]
    if not values:
        raise ValueError("there is none")
    return values


def check_options(group: str, chosen: list[Any], options: list[str]) -> UserError | None:
    """An option that a group does not have; or none at all (null), which Hydra takes from files only."""
    if None in chosen:
        expected = f"one of {', '.join(options)}"
        return UserError(f"{group}=null chooses nothing", expected=expected, remedy="Leave it out for the default.")
    unknown = [str(value) for value in chosen if str(value) not in options]
    return unknown_name(group, unknown[0], options) if unknown else None


def check_key(name: str) -> UserError | None:
    """An error with the nearest key, by its whole name or by its last part."""
    keys = [key for key, _ in walk()]
    sections = {key.rpartition(".")[0] for key in keys} - {""}
    below = tuple(f"{key}." for key, entry in walk() if typing.get_origin(entry.type) is dict)
    if name in keys or name in sections or name.startswith(below):
        return None
    by_last_part = {key.rpartition(".")[2]: key for key in keys}
    hint = did_you_mean(name, [*keys, *sections])
    last = nearest(name.rpartition(".")[2], by_last_part)
    if not hint and last:
        hint = f"Did you mean '{by_last_part[last]}'?"
    return UserError(f"unknown key {name}", remedy=hint or "operation_mode=describe lists all keys.")


def check_composed(options: Namespace, overrides: list[Override], folder: Path) -> Checked:
    """Compose, once, and find the mistakes that show in the values."""
    single = [next(choices(override)).input_line for override in overrides]
    name, file = options.config_name or "config", users_file(options, folder)
    if file and (mistake := mistake_in_file(file)):
        return Checked([mistake])
    try:
        composed = composed_of(single, options, folder)
        errors = refused_values(composed, overrides, options, folder, file) or check_sections(composed, overrides, name)
        if errors:
            return Checked(errors)
        values, run_directory = resolved(composed, sweeping=options.multirun)
    except UserError as error:
        return Checked([error])
    except NOT_COMPOSED as error:
        return Checked([explain_composition(error, options)])
    errors = elsewhere(values, run_directory, sweeping=options.multirun)
    errors += check_folders(composed, overrides, run_directory, sweeping=options.multirun)
    given = given_of_model(overrides, file)
    unique = {str(error): error for error in check_swept_models(overrides, given, folder)}
    variants = itertools.islice(sweep_variants(values, overrides), MAX_SWEEP_CHECKS)
    checks = [check(variant, given) for variant in variants]
    unique.update({str(error): error for _, found in checks for error in found})
    return Checked([*errors, *unique.values()], Path(run_directory), SingleRun(composed, checks[0][0]))


def check_folders(
    composed: DictConfig, overrides: list[Override], run_directory: str, *, sweeping: bool
) -> list[UserError]:
    """Folders that are none, or that several runs of a sweep would share: each would replace the one before."""
    errors = []
    if not run_directory:
        key = "hydra.sweep.dir" if sweeping else "hydra.run.dir"
        errors.append(UserError(f"{key} is empty", remedy="Leave it out for a new folder; '.' is the current one."))
    subdir = str(OmegaConf.to_container(composed.hydra.sweep, resolve=False)["subdir"])
    if sweeping and "${" not in subdir and any(override.is_sweep_override() for override in overrides):
        what = f"hydra.sweep.subdir={subdir} is one folder for all runs of the sweep"
        errors.append(UserError(what, remedy="Leave it out; or put '${hydra.job.num}' into it, in quotes."))
    return errors


def elsewhere(values: dict[str, Any], run_directory: str, *, sweeping: bool) -> list[UserError]:
    """A run that is resumed goes on in its folder; in another one it would silently start from the beginning."""
    general = values.get("general")
    resume = general.get("resume") if isinstance(general, dict) else None
    if not isinstance(resume, str) or not resume:
        return []
    if sweeping:
        remedy = "Leave -m out and give one value of each key; or leave general.resume out."
        return [UserError("general.resume continues one run, and a sweep (-m) starts new ones", remedy=remedy)]
    if Path(run_directory).resolve() != Path(resume).resolve():
        what = f"general.resume={resume} goes on in that folder, and hydra.run.dir={run_directory} is another"
        return [UserError(what, remedy="Leave one of the two out.")]
    return []


def resolved(composed: DictConfig, *, sweeping: bool) -> tuple[dict[str, Any], str]:
    """The values of the project's sections, and the folder of the run or the sweep."""
    chosen = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
    directory = composed.hydra.sweep.dir if sweeping else composed.hydra.run.dir
    return OmegaConf.to_container(chosen, resolve=True), directory


def composed_of(overrides: list[str], options: Namespace, folder: Path) -> DictConfig:
    """The configuration that the overrides make, Hydra's own section included; nothing is resolved yet."""
    with initialize_config_dir(options.config_path or str(folder), version_base="1.3", job_name="stm32ai_main"):
        searchpath = [f"hydra.searchpath=[file://{folder}]"] if options.config_path else []
        return compose(options.config_name or "config", overrides=[*overrides, *searchpath], return_hydra_config=True)


def refused_values(
    composed: DictConfig, overrides: list[Override], options: Namespace, folder: Path, file: Path | None
) -> list[UserError]:
    """What would run programs, or carry secrets to where they can be read."""
    given = {override.key_or_group: override for override in overrides}
    resumed = single_value(given.get("general.resume"), "general.resume")
    errors = check_values(composed, secret_sources=not resumed or given.keys() >= ADDRESSES)
    errors += check_plugins(composed)
    if file:
        of_hydra = [override.input_line for override in overrides if is_of_hydra(override)]
        project = Namespace(config_path=options.config_path and str(folder), config_name="config")
        others = len(overrides) - len(of_hydra)
        errors += check_hydra(composed, composed_of(of_hydra, project, folder), others, str(file))
    return errors


def given_of_model(overrides: list[Override], file: Path | None) -> set[str]:
    """Keys of the model section that the user gives, on the command line or in a file of their own.

    A file with all of them is what a run has kept of its configuration: it says nothing of what was given.

    Args:
        overrides: Of the command line.
        file: The primary configuration, where it is the user's; a model chosen on the command line wins over it.
    """
    names = [override.key_or_group for override in overrides if not override.is_delete()]
    given = {name.removeprefix(MODEL_SECTION) for name in names if name.startswith(MODEL_SECTION)}
    chosen = {f"{CHOSEN}/model", f"{CHOSEN}/experiment"} & {*names}
    if file is None or not file.is_file() or chosen:
        return given
    content = read_bounded(file)
    section = content.get("model") if isinstance(content, dict) else None
    keys = set(section) if isinstance(section, dict) else set()
    return given if keys >= {entry.name for entry in dataclasses.fields(ModelConfig)} else given | keys


def check_swept_models(overrides: list[Override], given: set[str], folder: Path) -> list[UserError]:
    """Keys that one of several architectures does not have, of a sweep over the group `model`."""
    sweeps = [override for override in overrides if override.key_or_group == "model" and override.is_sweep_override()]
    options = [str(option) for sweep in sweeps for option in first_values(sweep)]
    paths = [folder / "model" / f"{option}.yaml" for option in options]
    names = dict.fromkeys(str(read_yaml(path, dict, "").get("name")) for path in paths if path.is_file())
    return [error for name in names for error in keys_not_taken(name, given)]


def sweep_variants(values: dict[str, Any], overrides: list[Override]) -> Iterator[dict[str, Any]]:
    """The composed values, and for each further value of a swept key the same values with that one changed."""
    yield values
    for override in overrides:
        if override.is_sweep_override() and "." in override.key_or_group:
            for choice in itertools.islice(choices(override), 1, None):
                variant = OmegaConf.create(values)
                OmegaConf.update(variant, override.key_or_group, choice.value())
                yield OmegaConf.to_container(variant)


def check_sections(values: Iterable[str], overrides: list[Override], name: str) -> list[UserError]:
    """A file of the user's that stands alone would take its defaults from the schema, and none of conf/'s."""
    deleted = {override.key_or_group for override in overrides if override.is_delete()}
    missing = [entry.name for entry in dataclasses.fields(Config) if entry.name not in {*values, *deleted}]
    return [not_on_defaults(name, f"it has no {', '.join(missing)}")] if missing else []


def explain_composition(error: Exception, options: Namespace) -> UserError:
    """One line about a configuration that Hydra cannot compose."""
    message = message_of(error)
    name = options.config_name or "config"
    if group := re.match(r"Multiple values for (\S+?)\.", message):
        remedy = f"Write it without '+', or 'override {group[1]}' in a file: one option is chosen already."
        return UserError(f"{group[1]} is chosen twice", remedy=remedy)
    if options.config_path and "not in struct" in str(error):
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
    """What Hydra says, in one line, without the folders in which it looked."""
    text = str(error).partition("Config search path:")[0]
    return " ".join(text.split())[:MAX_MESSAGE] or short_reason(error)


def not_on_defaults(name: str, reason: str) -> UserError:
    rename = "Name it otherwise than TextZoo's own config.yaml; begin" if Path(name).stem == "config" else "Begin"
    return UserError(
        f"{name} does not stand on TextZoo's defaults: {reason}",
        remedy=f"{rename} the file with the lines 'defaults:', '  - config', '  - _self_'.",
    )
