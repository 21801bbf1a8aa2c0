"""Files that are costly to make and follow from the code alone: kept between runs, under a hash of that code.

The hash covers the modules that make quantized models and all that these import, the models' shapes, the file with the
function that makes the files, its arguments, and the versions of the libraries: if one changes, all is made anew.
"""

import hashlib
import inspect
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from code_metrics.import_graph import import_graph
from textzoo.common.paths import PROJECT

# In the user's folder for such files, so that all checkouts share them.
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "textzoo" / "tests"
MAX_AGE = 14 * 24 * 3600  # seconds since an artifact was used last
SOURCE = PROJECT / "src" / "textzoo"
SHAPES = PROJECT / "conf" / "model"
MAKERS = ("textzoo.text.", "textzoo.models.", "textzoo.quantizers.", "textzoo.testing.random_models")
TENSORFLOW = "tensorflow-cpu" if sys.platform == "linux" else "tensorflow"  # as pyproject.toml says
LIBRARIES = ("ai-edge-litert", "ai-edge-quantizer", "keras", "numpy", TENSORFLOW)


def artifact(make: Callable[..., None], *arguments: object) -> Path:
    """Return a folder with what `make(folder, *arguments)` writes; it is shared, so nothing may be written into it.

    Args:
        make: A function of a module; what it writes follows from the code and its arguments.
        arguments: Their `repr` must tell them apart.
    """
    folder = KEPT / make.__name__ / key_of(make, arguments)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unfinished-"))
        try:
            make(unfinished, *arguments)
            publish(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    folder.touch()
    return folder


def publish(unfinished: Path, folder: Path) -> None:
    """Give a finished folder its name, unless another process was faster."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def key_of(make: Callable[..., None], arguments: tuple[object, ...]) -> str:
    parts = [code_hash(), hash_of(Path(inspect.getsourcefile(make))), repr(arguments)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@cache
def code_hash() -> str:
    """A hash of all code that makes quantized models."""
    versions = [sys.version, *(f"{name} {version(name)}" for name in LIBRARIES)]
    parts = versions + [hash_of(path) for path in sorted([*imported_files(), *SHAPES.glob("*.yaml")])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def imported_files() -> Iterator[Path]:
    """The files of MAKERS, and of all modules that these import."""
    graph = import_graph(SOURCE)
    waiting = [name for name in graph if name.startswith(MAKERS)]
    found = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    for name in found:
        path = SOURCE.parent.joinpath(*name.split("."))
        yield path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def remove_old() -> None:
    """Remove what has not been used for long."""
    for folder in KEPT.glob("*/*"):
        if folder.stat().st_mtime < time.time() - MAX_AGE:
            shutil.rmtree(folder, ignore_errors=True)
