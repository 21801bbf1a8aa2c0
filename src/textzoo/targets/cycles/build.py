"""Compile the plugin for QEMU, once per machine, into the user's cache."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.targets.native import find_compiler
from textzoo.targets.toolchains import MissingToolError, require_tool, run_compiler

SOURCES = Path(__file__).with_name("plugin")
FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared")
# macOS looks for QEMU's functions when the plugin is loaded only if it is told so.
LINKING = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()
QEMU_SECONDS = 60
# From this major version of QEMU on, plugins for the first interface are refused; the second one has the same calls.
SECOND_INTERFACE = 9


class CyclesUnavailableError(UserError):
    """Cycles cannot be measured on this machine: QEMU takes no plugins, or there is no compiler for one."""


def cache_folder() -> Path:
    """Return the user's folder for compiled plugins."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "textzoo" / "cycles"


def plugin_for(qemu: str) -> Path:
    """Return the compiled plugin for an emulator.

    Args:
        qemu: Key of toolchains.TOOLS.

    Raises:
        CyclesUnavailableError: It takes no plugins, or there is no C compiler, or it fails.
    """
    interface = interface_of(str(require_tool(qemu)))
    compiler = host_compiler()
    path = cache_folder() / f"{key_of(compiler, interface)}.so"
    if not path.is_file():
        compile_to(path, compiler, interface)
    return path


@cache
def interface_of(program: str) -> int:
    """Return the version of the plugin interface that an emulator takes.

    Raises:
        CyclesUnavailableError: It takes none, as builds without TCG plugins do.
    """
    if "-plugin " not in output_of([program, "-help"]):
        raise CyclesUnavailableError(
            f"{Path(program).name} takes no plugins, so that cycles cannot be modelled",
            remedy="Debian's and Ubuntu's packages take them; a build of your own needs --enable-plugins.",
        )
    version = re.search(r"version (\d+)\.", output_of([program, "--version"]))
    return 2 if version and int(version[1]) >= SECOND_INTERFACE else 1


def output_of(command: list[str]) -> str:
    try:
        return processes.run_text(command, timeout=QEMU_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CyclesUnavailableError(f"{command[0]} does not start, so that cycles cannot be modelled") from error


def host_compiler() -> str:
    """Return the C compiler of this machine."""
    try:
        return find_compiler()
    except MissingToolError as error:
        raise CyclesUnavailableError(
            "the cycle model needs a C compiler for this machine, and there is none", remedy=error.remedy
        ) from error


@cache
def key_of(compiler: str, interface: int) -> str:
    """Return a name that changes with the sources, the compiler and the interface."""
    digest = hashlib.sha256(repr((compiler, interface, FLAGS, LINKING, os.uname().machine)).encode())
    for path in plugin_files():
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def plugin_files() -> list[Path]:
    """Return the plugin's C files and headers."""
    return sorted(path for path in SOURCES.iterdir() if path.suffix in (".c", ".h"))


def compile_to(path: Path, compiler: str, interface: int) -> None:
    """Compile the plugin; another process may do so at the same time.

    Raises:
        CyclesUnavailableError: The compiler fails, or the folder cannot be written.
    """
    sources = [str(source) for source in plugin_files() if source.suffix == ".c"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="unfinished-") as folder:
            made = Path(folder) / path.name
            run_compiler([compiler, *FLAGS, f"-DTZ_QEMU_API={interface}", *sources, "-o", str(made), *LINKING])
            made.replace(path)
    except (OSError, RuntimeError) as error:
        raise CyclesUnavailableError(
            f"the cycle model's plugin cannot be compiled to '{path}'", received=str(error)
        ) from error
