"""What stands before Hydra: help, all mistakes of a command line at once, and resuming a run's own command line."""

import dataclasses
import functools
import itertools
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import yaml
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textzoo import configuration, describe, pretrained
from textzoo.chains import DESCRIBE
from textzoo.errors import UserError
from textzoo.escaping import visible
from textzoo.overrides import choices, parse, quoted, single_value, with_literal_text
from textzoo.registry import did_you_mean, nearest, unknown_name
from textzoo.schema import Config, ModelConfig, walk
from textzoo.validation.model import keys_not_taken

USER_MISTAKE = 2
MAXIMAL_SWEEP_CHECKS = 256
MODEL_SECTION = "model."
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
DAMAGED_RUN = "Without general.resume=... the run starts anew."


@functools.cache
def started_at() -> str:
    """This process's start as a folder name; microseconds keep two runs of one second apart."""
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")


def run_folder(resume: str | None, mode: str) -> str:
    """The run's folder: a new one, or the one that is resumed."""
    return str(resume) if resume else f"experiments_outputs/{started_at()}_{mode}"


def register() -> None:
    """Make the schema's defaults and the run folder known to Hydra.

    The defaults are stored as plain values: types and ranges are checked by `validation`, which finds all mistakes at
    once where Hydra would stop at the first.
    """
    ConfigStore.instance().store(name="schema", node=dataclasses.asdict(Config()))
    OmegaConf.register_new_resolver("textzoo_run_folder", run_folder, replace=True)
    OmegaConf.register_new_resolver("textzoo_started_at", started_at, replace=True)


# Hydra would execute whatever the file holds.
RERUN = UserError(
    "--experimental-rerun reads a pickle, which may hold any program",
    expected="general.resume=<a run's folder>",
    remedy="It runs the same configuration again, and redoes what is not there yet.",
)


def prepare(arguments: list[str], folder: Path) -> list[str]:
    """Check a command line; return it in the form that Hydra takes, or exit.

    Args:
        arguments: The command line without the program's name.
        folder: The project's conf/ folder.

    Exits with 0 after help, with 2 after printing every mistake found.
    """
    register()
    options = get_args_parser().parse_intermixed_args(arguments)
    if options.help:
        print(describe.help_text(folder))
        sys.exit(0)
    if options.experimental_rerun:
        refuse([RERUN])
    if options.hydra_help or options.shell_completion or options.info is not None:
        return arguments
    try:
        arguments = completed(arguments, options, folder)
    except UserError as error:
        refuse([error])
    options = get_args_parser().parse_args(arguments)
    if f"operation_mode={DESCRIBE}" in options.overrides:
        print(describe.key_table())
        print(describe.operator_table())
        sys.exit(0)
    errors, run_directory = mistakes(options, folder)
    if not errors and not options.cfg and not options.multirun:
        errors = check_writable(Path(run_directory))
    if errors:
        refuse(errors)
    return arguments


def completed(arguments: list[str], options: Namespace, folder: Path) -> list[str]:
    """The command line with all that it implies: flags first, then the overrides in one row, as Hydra wants them."""
    flags = [argument for argument in arguments if argument not in options.overrides]
    overrides = [with_literal_text(text, sweeping=options.multirun) for text in options.overrides]
    flags = with_project_configuration(flags, options, folder)
    earlier_flags, earlier = of_resumed_run(overrides, options, folder)
    overrides = with_pretrained_model([*earlier, *overrides], folder)
    return [*flags, *earlier_flags, *overrides]


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


def of_resumed_run(overrides: list[str], options: Namespace, folder: Path) -> tuple[list[str], list[str]]:
    """For `general.resume=<run folder>`: that run's flags, and those of its overrides that are not given anew."""
    given = {override.key_or_group: override for override in parse(overrides)[0]}
    resume = single_value(given.get("general.resume"), "general.resume")
    if not resume:
        return [], []
    stored = Path(str(resume)) / ".hydra"
    if not stored.is_dir():
        raise UserError(
            f"general.resume: '{resume}' is not a run folder",
            expected="a folder that holds .hydra/",
            remedy="Run folders lie in experiments_outputs/.",
        )
    earlier = read_yaml(stored / "overrides.yaml", list, DAMAGED_RUN)
    if not all(isinstance(text, str) and not text.startswith("-") for text in earlier):
        raise damaged(stored / "overrides.yaml", "a list of key=value", DAMAGED_RUN)
    kept = [text for text in earlier if text.partition("=")[0].lstrip("+~") not in given]
    return stored_configuration(stored, options, folder), kept


def stored_configuration(stored: Path, options: Namespace, folder: Path) -> list[str]:
    """The options that name the configuration file of an earlier run, unless the command line names one."""
    path = stored / "hydra.yaml"
    hydra = read_yaml(path, dict, DAMAGED_RUN)
    try:
        sources = hydra["hydra"]["runtime"]["config_sources"]
        main = [source["path"] for source in sources if source["provider"] == "main"]
        name = hydra["hydra"]["job"]["config_name"]
    except (KeyError, TypeError) as error:
        raise damaged(path, "what Hydra wrote there when the run began", DAMAGED_RUN) from error
    if options.config_name or not main or main[0] == str(folder):
        return []
    return [f"--config-path={main[0]}", f"--config-name={name}", f"--config-dir={folder}"]


def with_pretrained_model(overrides: list[str], folder: Path) -> list[str]:
    """For `pretrained=true`: the experiment and the files of that model, where nothing else is given."""
    given = {override.key_or_group: override for override in parse(overrides)[0] if not override.is_delete()}
    purpose = "pretrained=true"
    if "pretrained" not in given or single_value(given["pretrained"], purpose) is not True:
        return overrides
    chosen = default_choices(folder)
    for group in ("model", "quantization"):
        if group in given:
            chosen[group] = single_value(given[group], purpose)
    added = pretrained.overrides(str(chosen["model"]), str(chosen["quantization"]))
    return [*overrides, *(f"{key}={quoted(value)}" for key, value in added.items() if key not in given)]


def default_choices(folder: Path) -> dict[str, Any]:
    """The option of each group where the command line names none."""
    path = folder / "config.yaml"
    entries = read_yaml(path, dict, "Take conf/ as it came with TextZoo.")["defaults"]
    return {group: option for entry in entries if isinstance(entry, dict) for group, option in entry.items()}


def read_yaml(path: Path, kind: type, remedy: str) -> Any:
    """The content of one of Hydra's own files, which must be of the kind given."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read", received=first_line(error), remedy=remedy) from error
    if not isinstance(values, kind):
        raise damaged(path, f"a {kind.__name__}", remedy)
    return values


def damaged(path: Path, expected: str, remedy: str) -> UserError:
    return UserError(f"{path} is damaged", expected=expected, remedy=remedy)


def check_writable(folder: Path) -> list[UserError]:
    """The run's folder can be made and written to, before Hydra tries."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return []
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "Give another hydra.run.dir, or mend its permissions or free space."
        return [UserError(f"the run's folder '{folder}' cannot be written: {reason}", remedy=remedy)]


def mistakes(options: Namespace, folder: Path) -> tuple[list[UserError], str]:
    """Every mistake of the command line and of the files that it composes; and the run's folder."""
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
    further, run_directory = check_composed(options, good, folder)
    return errors + further, run_directory


def check_override(override: Override, folder: Path, *, sweeping: bool) -> UserError | None:
    """A key that the schema does not have, an option that a group does not have, or a sweep without -m."""
    name = override.key_or_group
    if override.is_sweep_override() and not sweeping:
        return UserError(f"{name} has several values", remedy="A sweep needs -m.")
    try:
        chosen = first_values(override)
    except (HydraException, ValueError) as error:
        remedy = "Write the values one by one, with commas."
        return UserError(f"the values of '{override.input_line}' cannot be listed: {first_line(error)}", remedy=remedy)
    if name == "hydra" or name.startswith(("hydra.", "hydra/")):
        return None
    if (folder / name).is_dir() and not override.is_delete():
        return check_options(name, chosen, describe.options_of(folder / name))
    return check_key(name)


def first_values(override: Override) -> list[Any]:
    """The value of an override; of a sweep, its first ones, which are at least one."""
    values = [choice.value() for choice in itertools.islice(choices(override), MAXIMAL_SWEEP_CHECKS)]
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
    below = tuple(f"{key}." for key, entry in walk() if entry.type is dict)
    if name in keys or name in sections or name.startswith(below):
        return None
    by_last_part = {key.rpartition(".")[2]: key for key in keys}
    hint = did_you_mean(name, [*keys, *sections])
    last = nearest(name.rpartition(".")[2], by_last_part)
    if not hint and last:
        hint = f"Did you mean '{by_last_part[last]}'?"
    return UserError(f"unknown key {name}", remedy=hint or "operation_mode=describe lists all keys.")


def check_composed(options: Namespace, overrides: list[Override], folder: Path) -> tuple[list[UserError], str]:
    """The mistakes that show in the composed values; and the run's folder."""
    single = [next(choices(override)).input_line for override in overrides]
    config_folder = options.config_path or str(folder)
    name = options.config_name or "config"
    try:
        with initialize_config_dir(config_folder, version_base="1.3", job_name="stm32ai_main"):
            searchpath = [f"hydra.searchpath=[file://{folder}]"] if options.config_path else []
            composed = compose(name, overrides=[*single, *searchpath], return_hydra_config=True)
        run_directory = composed.hydra.run.dir
        chosen = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
        values = OmegaConf.to_container(chosen, resolve=True)
    except NOT_COMPOSED as error:
        return [explain_composition(error, options)], ""
    given = given_of_model(overrides, Path(config_folder) / name)
    found = [*check_sections(values, overrides, name), *check_swept_models(overrides, given, folder)]
    errors = {str(error): error for error in found}
    for variant in itertools.islice(sweep_variants(values, overrides), MAXIMAL_SWEEP_CHECKS):
        errors.update({str(error): error for error in configuration.check(variant, folder, given)[1]})
    return list(errors.values()), run_directory


def given_of_model(overrides: list[Override], file: Path) -> set[str]:
    """Keys of the model section that the user gives, on the command line or in a file of their own.

    A file with all of them is what a run has kept of its configuration: it says nothing of what was given.

    Args:
        overrides: Of the command line.
        file: The primary configuration, without its ending.
    """
    names = [override.key_or_group for override in overrides if not override.is_delete()]
    given = {name.removeprefix(MODEL_SECTION) for name in names if name.startswith(MODEL_SECTION)}
    path = file.with_name(f"{file.name.removesuffix('.yaml')}.yaml")
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
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


def check_sections(values: dict[str, Any], overrides: list[Override], name: str) -> list[UserError]:
    """A file of the user's that stands alone would take its defaults from the schema, and none of conf/'s."""
    deleted = {override.key_or_group for override in overrides if override.is_delete()}
    missing = [entry.name for entry in dataclasses.fields(Config) if entry.name not in {*values, *deleted}]
    return [not_on_defaults(name, f"it has no {', '.join(missing)}")] if missing else []


def explain_composition(error: Exception, options: Namespace) -> UserError:
    """One line about a configuration that Hydra cannot compose."""
    message = first_line(error)
    name = options.config_name or "config"
    if options.config_path and "not in struct" in str(error):
        return not_on_defaults(name, message)
    if isinstance(error, UnicodeDecodeError):
        return UserError(f"{name} or a file that it names is not UTF-8: {message}", remedy="Save it as UTF-8.")
    if isinstance(error, RecursionError):
        remedy = "A file's defaults must not name the file itself: give it another name than theirs."
        return UserError(f"{name} leads back to itself, or is nested too deeply", remedy=remedy)
    return UserError(f"the configuration cannot be composed: {message}")


def not_on_defaults(name: str, reason: str) -> UserError:
    rename = "Name it otherwise than TextZoo's own config.yaml; begin" if Path(name).stem == "config" else "Begin"
    return UserError(
        f"{name} does not stand on TextZoo's defaults: {reason}",
        remedy=f"{rename} the file with the lines 'defaults:', '  - config', '  - _self_'.",
    )


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in (str(error) or str(error.__cause__)).splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(error).__name__
