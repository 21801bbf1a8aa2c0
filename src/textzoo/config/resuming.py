"""A run's own command line: kept in its folder when it starts, read again by general.resume.

`<run>/.hydra/` holds overrides.yaml (the command line), config.yaml (the values that it composed, fit to be published)
and hydra.yaml (the file that it built upon; if that was the user's, values.yaml has all of its values). A folder may
come from anywhere: it is data, so only the project's own keys are taken from it.
"""

import re
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from textzoo.common.bounded_yaml import fault_of, read_bounded
from textzoo.common.errors import UserError
from textzoo.common.files import write_text
from textzoo.common.paths import CONFIGURATION
from textzoo.common.secrets import masked, without_password
from textzoo.config import pretrained
from textzoo.config.chosen_groups import CHOSEN
from textzoo.config.hub_files import TAKEN, pinned_text
from textzoo.config.overrides import parse, quoted, single_value
from textzoo.config.publishing import ADDRESSES, PATH_KEYS, published_setting
from textzoo.config.untrusted import OPENED

FOLDER = ".hydra"
DAMAGED_RUN = "Without general.resume=... the run starts anew."
PROJECT = "conf"
# A run on a file of the user's builds upon its own values from then on: that file may change, or be on another machine.
ITSELF = "."
OWN_VALUES = "values"


def of_resumed_run(overrides: list[str], options: Namespace) -> tuple[list[str], list[str]]:
    """Return for `general.resume=<run folder>`: that run's flags, and those of its overrides not given anew."""
    given = {override.key_or_group: override for override in parse(overrides)[0]}
    resume = single_value(given.get("general.resume"), "general.resume")
    if not resume:
        return [], []
    stored = Path(str(resume)) / FOLDER
    if not stored.is_dir():
        raise UserError(
            f"general.resume: '{resume}' is not a run folder",
            expected=f"a folder that holds {FOLDER}/",
            remedy="Run folders are in experiments_outputs/.",
        )
    earlier = own_keys(stored / "overrides.yaml")
    flags = stored_configuration(stored, options)
    if flags and f"--config-path={stored.resolve()}" in flags:
        refuse_other_model(stored / f"{OWN_VALUES}.yaml", {*given})
        return flags, []  # the values there hold the overrides already
    kept = [text for text in earlier if text.partition("=")[0].lstrip("+~") not in given]
    for text in kept:
        refuse_environment(text, stored)
    return flags, kept


def refuse_other_model(path: Path, given: set[str]) -> None:
    """Raise UserError for another model than the pretrained one whose files are among a run's values."""
    other = given & {"model", "quantization"}
    if other and read_yaml(path, dict, DAMAGED_RUN).get("pretrained"):
        what = f"{path} holds the files of a pretrained model, and {' and '.join(sorted(other))} would need others"
        raise UserError(what, remedy="Start a new run with it, without general.resume.")


def refuse_environment(text: str, stored: Path) -> None:
    """Raise UserError for an address in a run's folder that asks for environment variables: they may be secrets."""
    key = text.partition("=")[0].lstrip("+~")
    if key in ADDRESSES and OPENED.search(text):
        raise UserError(f"{key} in {stored} asks for the environment's variables", remedy=f"Give {key}=... again.")


def own_keys(path: Path) -> list[str]:
    """Return the overrides that a run kept.

    Raises:
        UserError: It is no list of overrides, or one of them is not of the project's own keys, but of Hydra's.
    """
    texts = read_yaml(path, list, DAMAGED_RUN)
    if not all(isinstance(text, str) and not text.startswith("-") for text in texts):
        raise damaged(path, "a list of key=value", DAMAGED_RUN)
    overrides, errors = parse(texts)
    if errors:
        raise damaged(path, "a list of key=value", DAMAGED_RUN)
    foreign = [override.input_line for override in overrides if is_of_hydra(override)]
    if foreign:
        raise UserError(
            f"{path} holds settings of Hydra, by which it runs programs: {', '.join(foreign)}",
            expected="keys of TextZoo, as a run writes them there",
            remedy="Someone has changed this folder. Take these lines out, or give them on the command line.",
        )
    return texts


def is_of_hydra(override: Override) -> bool:
    """Return whether an override is of Hydra's own section, or puts an option of a group there."""
    targets = (override.key_or_group, override.package or "")
    return any(re.match(r"(_global_\.)*hydra($|[./])", target) for target in targets)


def stored_configuration(stored: Path, options: Namespace) -> list[str]:
    """Return the flags that name the configuration file of an earlier run, unless the command line names one."""
    path = stored / "hydra.yaml"
    hydra = read_yaml(path, dict, DAMAGED_RUN)
    try:
        sources = hydra["hydra"]["runtime"]["config_sources"]
        main = [str(source["path"]) for source in sources if source["provider"] == "main"]
        name = str(hydra["hydra"]["job"]["config_name"])
    except (KeyError, TypeError) as error:
        raise damaged(path, "what was written there when the run began", DAMAGED_RUN) from error
    if options.config_name or not main or main[0] in (str(CONFIGURATION), PROJECT):
        return []
    folder = stored.resolve() if main[0] == ITSELF else Path(main[0])
    if not folder.is_absolute() or not folder.is_dir():
        raise UserError(
            f"{path}: the configuration of this run is not there: '{main[0]}'",
            remedy="Name it with --config-path and --config-name.",
        )
    return [f"--config-path={folder}", f"--config-name={name}"]


def keep_command_line(root: Path, composed: DictConfig, hydra: Any) -> None:
    """Write .hydra/ of a run's folder: all that general.resume needs, and nothing of this machine.

    Args:
        root: The run's folder.
        composed: The project's own sections.
        hydra: Hydra's section: the overrides, the options that were chosen, the file that they are applied to.
    """
    values = kept_values(composed)
    on_own_file = has_own_file(hydra)
    if on_own_file:  # a resume builds upon them
        write_text(root / FOLDER / f"{OWN_VALUES}.yaml", pinned_text(OmegaConf.to_yaml(values)))
    write_text(root / FOLDER / "config.yaml", pinned_text(OmegaConf.to_yaml(publishable(values, root))))
    write_text(root / FOLDER / "hydra.yaml", yaml.safe_dump(kept_notes(hydra, on_own_file)))
    write_text(root / FOLDER / "overrides.yaml", yaml_lines(kept_overrides(typed_overrides(composed, hydra))))


def yaml_lines(overrides: list[str]) -> str:
    """Return one line for each override, however long."""
    return yaml.safe_dump(overrides, allow_unicode=True, width=1 << 16)


def typed_overrides(composed: DictConfig, hydra: Any) -> list[str]:
    """Return the overrides as typed: nothing is put into `${...}`, and what pretrained=true implies is left out.

    Another pretrained model, given when the run is resumed, brings its own settings and files.
    """
    overrides = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    model = hydra.runtime.choices.get("model")
    if not composed.get("pretrained") or not model:
        return overrides
    experiment = f"experiment={quoted(pretrained.card(model)['experiment'])}"
    files = [f"{key}={quoted(str(pretrained.FOLDER))[:-1]}/" for key in pretrained.PATHS]
    return [text for text in overrides if not text.startswith((experiment, *files))]


def kept_overrides(overrides: Iterable[str]) -> list[str]:
    """Return the overrides without what is found again, and without passwords."""
    implied = ("general.resume=", f"{CHOSEN}/", f"+{CHOSEN}/")
    return [kept_override(text) for text in overrides if not text.startswith(implied)]


def can_be_resumed(root: Path) -> bool:
    """Return whether a run's folder holds its command line, whole: overrides.yaml is written last."""
    return (root / FOLDER / "overrides.yaml").is_file()


def kept_override(text: str) -> str:
    """Return an override without what the address in it hides; of a file on the hub, its commit and its hash."""
    key = text.lstrip("+").partition("=")[0]
    if key in TAKEN:
        return pinned_text(text)
    return masked(text) if key in ADDRESSES else without_password(text)


def kept_notes(hydra: Any, on_own_file: bool) -> dict[str, Any]:
    """Return what hydra.yaml says: the file that the run builds upon, and the options chosen."""
    left_out = ("hydra/", f"{CHOSEN}/")
    choices = {group: option for group, option in hydra.runtime.choices.items() if not group.startswith(left_out)}
    source = {"path": ITSELF if on_own_file else PROJECT, "provider": "main"}
    job = {"config_name": OWN_VALUES if on_own_file else hydra.job.config_name}
    return {"hydra": {"runtime": {"config_sources": [source], "choices": choices}, "job": job}}


def kept_values(composed: DictConfig) -> DictConfig:
    """Return the project's sections as composed, without passwords, and without the folder that is resumed."""
    values = OmegaConf.create(OmegaConf.to_container(composed, resolve=False))
    plain = OmegaConf.to_container(values)
    for key in ADDRESSES:
        section, _, name = key.partition(".")
        if secret := plain.get(section, {}).get(name):
            OmegaConf.update(values, key, masked(secret))
    if "general" in plain:
        OmegaConf.update(values, "general.resume", None)
    return values


def has_own_file(hydra: Any) -> bool:
    """Return whether the primary configuration is a file of the user's."""
    main = [source.path for source in hydra.runtime.config_sources if source.provider == "main"]
    return hydra.job.config_name.removesuffix(".yaml") != "config" or Path(main[0]) != CONFIGURATION


def publishable(values: DictConfig, root: Path) -> DictConfig:
    """Return the values without the folders of this machine."""
    for key in sorted(PATH_KEYS | ADDRESSES | {"dataset.sources"}):
        value = OmegaConf.to_container(values)
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value:
            OmegaConf.update(values, key, published_setting(key, value, root))
    return values


def read_yaml(path: Path, kind: type, remedy: str) -> Any:
    """Return the content of a YAML file, which must be of the kind given."""
    try:
        values = read_bounded(path)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read", received=fault_of(error), remedy=remedy) from error
    if not isinstance(values, kind):
        raise damaged(path, f"a {kind.__name__}", remedy)
    return values


def damaged(path: Path, expected: str, remedy: str) -> UserError:
    """Return the mistake of a file that holds something else than what a run wrote there."""
    return UserError(f"{path} is damaged", expected=expected, remedy=remedy)
