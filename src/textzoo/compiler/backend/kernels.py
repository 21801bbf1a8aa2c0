"""Which sources of the runtime a program needs: every kernel that it calls, and the kernels that those call."""

import functools
import re
from pathlib import Path

from textzoo.common.paths import RUNTIME
from textzoo.compiler.ir.program import Program

GENERIC = "generic"
# Whose kernels a variant takes where it has none of its own, before the generic ones: CIMv3's host core is RV32, too.
RELATIVES = {"cimv3": "mul32"}
# tz_parallel where there is one core: emulated boards and this machine. ESP-IDF's projects have their own.
IN_SEQUENCE = "parallel"
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A kernel returns nothing, so that "void" is before its name wherever it is not called.
CALL = re.compile(r"(?<!void )\btz_(\w+)\(")


def source_of(kernel: str, variant: str) -> Path:
    """Return a kernel's source, relative to the runtime: of the variant or its relative if there is one, or generic."""
    folders = (variant, RELATIVES.get(variant, GENERIC), GENERIC)
    paths = [Path(folder) / f"{kernel}.c" for folder in folders]
    return next(path for path in paths if (RUNTIME / path).is_file())


def sources_of(program: Program, variant: str) -> list[Path]:
    """Return all sources of a program, relative to the runtime, sorted.

    A call whose constants are packed for one variant takes exactly that variant's kernel.
    """
    calls = [call for statement in program.statements for call in statement.calls()]
    sources = {Path(call.variant) / f"{call.kernel}.c" for call in calls if call.variant}
    sources |= {source_of(call.kernel, variant) for call in calls if not call.variant}
    if program.uses_second_core:
        sources.add(source_of(IN_SEQUENCE, variant))
    return sorted(sources | {source_of(part, variant) for source in sources for part in kernels_called_by(source)})


@functools.cache
def kernels_called_by(source: Path) -> frozenset[str]:
    """Return the kernels that a source of the runtime calls, itself or in what it includes."""
    files = {RUNTIME / source, *included(RUNTIME / source)}
    names = {name for file in files for name in CALL.findall(COMMENT.sub("", file.read_text(encoding="utf-8")))}
    return frozenset(name for name in names if (RUNTIME / GENERIC / f"{name}.c").is_file())


def included(path: Path) -> set[Path]:
    """Return the files of the runtime that a file includes, directly or not."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        for name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            folders = (file.parent, RUNTIME / "include", RUNTIME)
            header = next(folder / name for folder in folders if (folder / name).is_file())
            if header not in found:
                found.add(header)
                waiting.append(header)
    return found
