"""Build C for this machine so that ccache finds it again."""

from collections.abc import Sequence
from pathlib import Path

from textzoo.targets.toolchains import compile_objects, run_compiler


def build_c(command: Sequence[str], sources: Sequence[Path], program: Path, *link: str) -> Path:
    """Build a program or a library: each source for itself, because ccache keeps objects only, in the program's folder.

    Args:
        command: The compiler and its flags.
        sources: C files and objects.
        program: What is built.
        link: What follows the objects.
    """
    compiled = compile_objects(command, [path for path in sources if path.suffix == ".c"], program.parent)
    objects = [*compiled, *(path for path in sources if path.suffix != ".c")]
    run_compiler([*command, *map(str, objects), *link, "-o", str(program)])
    return program
