"""The arguments as the shell hands them over: bytes, the current folder, and Hydra's flags for a user's own folder."""

import os
import sys
from argparse import Namespace
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.paths import CONFIGURATION
from textzoo.config.untrusted import is_unicode


def no_current_folder() -> list[UserError]:
    """Return the mistake of a current folder that was deleted meanwhile: no path could be found from it."""
    return [] if current() else [UserError("the current folder is not there any more", remedy="Change to another one.")]


def unreadable_bytes(arguments: list[str]) -> list[UserError]:
    """Refuse arguments, and a current folder, whose bytes are no UTF-8: reports and the tracking store hold text."""
    texts = [*(("the command line", argument) for argument in arguments), ("the current folder's path", current())]
    return [bytes_mistake(source, os.fsencode(text)) for source, text in texts if not is_unicode(text)]


def bytes_mistake(source: str, content: bytes) -> UserError:
    """Return why Python cannot read bytes as text: they are no UTF-8, or its language settings know no UTF-8."""
    encoding, received = sys.getfilesystemencoding(), ascii(content.decode("latin-1"))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return UserError(
            f"{source} holds bytes that are not UTF-8",
            expected="UTF-8, as the system's language settings say",
            received=received,
            remedy="Rename the file or folder, or write the text in UTF-8. A folder may hold files of any name.",
        )
    return UserError(
        f"{source} holds signs that {encoding} does not have, and the language settings ask for {encoding}",
        expected="settings for UTF-8",
        received=f"{received}, LC_ALL={os.environ.get('LC_ALL')}, PYTHONUTF8={os.environ.get('PYTHONUTF8')}",
        remedy="Set PYTHONUTF8=1, or LC_ALL=C.UTF-8.",
    )


def current() -> str:
    """Return the current folder; "" where it was deleted meanwhile."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""


def with_whole_paths(flags: list[str], options: Namespace) -> list[str]:
    """Return the flags with the folders of --config-path and --config-dir as absolute paths.

    A relative --config-path is looked for in the current folder first, as users expect, then beside the program, as
    Hydra does.

    Raises:
        UserError: There is no such folder.
    """
    if options.config_path and not options.config_path.startswith("pkg://"):
        here = Path(options.config_path).resolve()
        chosen = here if here.is_dir() else (CONFIGURATION.parent / options.config_path).resolve()
        flags = with_folder(flags, ("--config-path", "-cp"), options.config_path, chosen)
    if options.config_dir:
        flags = with_folder(flags, ("--config-dir", "-cd"), options.config_dir, Path(options.config_dir).resolve())
    return flags


def with_folder(flags: list[str], names: tuple[str, ...], given: str, folder: Path) -> list[str]:
    """Return the flags with the value of one of them, which has several names, replaced by a folder."""
    if not folder.is_dir():
        raise UserError(f"{names[0]}: there is no folder '{given}'", remedy="Check the path.")
    return [*without_option(flags, names), f"{names[0]}={folder}"]


def without_option(arguments: list[str], names: tuple[str, ...]) -> list[str]:
    """Return the arguments without an option and its value, written as `--name value` or `--name=value`."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument not in names and not argument.startswith(tuple(f"{name}=" for name in names)):
            kept.append(argument)
        skip = not skip and argument in names
    return kept
