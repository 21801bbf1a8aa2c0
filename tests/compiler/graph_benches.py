"""Where compiled graphs run: this machine under sanitizers, 64-bit Arm, emulated cores. Many graphs are one program."""

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from running import ARM64, FLAGS, MACHINES, SANITIZERS, WASM, command_of

from textzoo.common.paths import APPLICATION, RUNTIME
from textzoo.compiler.compile import CompiledModel
from textzoo.compiler.operators.base import Target
from textzoo.targets.native import write_files
from textzoo.targets.toolchains import require_tool, tool_beside
from textzoo.testing.bare_metal import CORES, HERE, build, run

MAIN = Path(__file__).with_name("run_graphs.c")
INCLUDES = [MAIN.parent, HERE, RUNTIME / "include", APPLICATION]
TIMEOUT = 300  # seconds that a program may run
# One source per model; what is given a name here cannot be the name of a tensor in C.
MODEL = """
#include "run_graphs.h"
#include "weights.c"
#include "model.c"
static void textzoo_spoil(void) {{ memset(arena, 0x5a, sizeof arena); }}
static int32_t textzoo_sound(void) {{ return model_weights_crc32() == MODEL_WEIGHTS_CRC32; }}
extern const textzoo_graph_t textzoo_graph_{number};
const textzoo_graph_t textzoo_graph_{number} = {{
    model_reset, model_run, textzoo_spoil, textzoo_sound,
    (const textzoo_tensor_t *)model_inputs, (const textzoo_tensor_t *)model_outputs,
    (const textzoo_tensor_t *)model_states
}};
"""

# A function of a model, or an array, that other sources could use.
GLOBAL = re.compile(r"^(?!static)(?:\w+[ *]+)+(\w+)(?:\(|\[\w*\])", re.MULTILINE)


@dataclass(frozen=True)
class Bench:
    """A kind of kernels, a compiler and what runs its programs.

    Attributes:
        variant: Of the kernels.
        compiler: Key of toolchains.TOOLS, for this machine's programs, or of MACHINES; empty for a core.
        flags: More for the compiler.
        is_sanitized: Whether a program ends at the first wrong address or undefined operation.
        core: Key of bare_metal.CORES.
        cores: 2 where the code is made for two cores.
        has_floats: Whether its compiler's library has the functions of floats.
    """

    variant: str
    compiler: str = ""
    flags: tuple[str, ...] = ()
    is_sanitized: bool = True
    core: str = ""
    cores: int = 1
    has_floats: bool = True

    def target(self, weights: str) -> Target:
        return Target(self.variant, weights, cores=self.cores)

    def command(self) -> list[str]:
        """The compiler and what it is told about the processor."""
        if self.core:
            board = CORES[self.core]
            return [str(require_tool(board.compiler)), *board.flags, *self.flags]
        return [*command_of(self.compiler, SANITIZERS * self.is_sanitized), *self.flags]

    def launcher(self) -> tuple[str, ...]:
        """What runs its programs here."""
        return MACHINES[self.compiler].launcher if self.compiler in MACHINES else ()

    def objcopy(self) -> str:
        """Of the compiler's tools."""
        if self.core:
            return str(tool_beside(CORES[self.core].compiler, "objcopy"))
        return str(tool_beside(self.compiler, "objcopy")) if self.compiler in MACHINES else "objcopy"

    def needs(self) -> list[str]:
        """Keys of toolchains.TOOLS: what must be installed."""
        if self.core:
            return [CORES[self.core].compiler, CORES[self.core].emulator]
        machine = MACHINES.get(self.compiler)
        return [machine.compiler, *machine.tools] if machine else [self.compiler]


BENCHES = {
    "generic": Bench("generic", "gcc"),
    "host": Bench("host", "gcc", ("-march=native",)),
    "host_sse2": Bench("host", "gcc"),
    "two_cores": Bench("generic", "gcc", cores=2),
    "mul32": Bench("mul32", "gcc"),
    "cimv3": Bench("cimv3", "gcc"),
    "clang": Bench("generic", "clang"),
    "optimized": Bench("host", "gcc", ("-O3", "-march=native"), is_sanitized=False),
    "profiled": Bench("generic", "gcc", ("-DTEXTZOO_PROFILE",)),
    "neon": Bench("neon", ARM64, ("-O3",)),
    "wasm": Bench("wasm", WASM),
    "m4": Bench("dsp", core="m4"),
    "m7": Bench("dsp", core="m7"),
    "m33": Bench("dsp", core="m33"),
    "m55": Bench("mve", core="m55", flags=("-O2",)),
    "lx106": Bench("mul32", core="lx106", has_floats=False),
    "rv32": Bench("mul32", core="rv32"),
}


class RefusedByCompilerError(Exception):
    """The C compiler refuses what was emitted; the message is its own."""


class StoppedError(Exception):
    """A program ended before its end, such as at a wrong address; the message says why."""


def compile_model(bench: Bench, compiled: CompiledModel, number: int, folder: Path) -> Path:
    """A model as an object that shows textzoo_graph_<number> and no other name.

    Raises:
        RefusedByCompilerError: Warnings are errors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_files(compiled.files, folder)
    source, target = folder / "graph.c", folder / "graph.o"
    source.write_text(MODEL.format(number=number), encoding="utf-8")
    if bench.compiler == WASM:  # there is no objcopy for it
        source.write_text(renamed(compiled, number) + source.read_text(encoding="utf-8"), encoding="utf-8")
        compile_source(bench, source, target)
        return target
    compile_source(bench, source, target)
    subprocess.run([bench.objcopy(), "-G", f"textzoo_graph_{number}", target], check=True)
    return target


def renamed(compiled: CompiledModel, number: int) -> str:
    """Macros by which a model's functions and constants have other names than those of other models."""
    names = dict.fromkeys(name for text in compiled.files.values() for name in GLOBAL.findall(text))
    return "\n".join(f"#define {name} {name}_{number}" for name in names)


def compile_source(bench: Bench, source: Path, target: Path) -> None:
    """Compile a source from within its folder: ccache finds it again where only the folder has another name."""
    compiler, *flags = bench.command()
    includes = [f"-I{folder}" for folder in INCLUDES]
    command = [compiler, *FLAGS, *flags, *includes, "-c", source.name, "-o", str(target)]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        raise RefusedByCompilerError(done.stderr)


@cache
def object_of(bench: Bench, source: Path, folder: Path) -> Path:
    """A source that is the same in every program, compiled once into a folder that several processes share."""
    kind = hashlib.sha256(" ".join(bench.command()).encode()).hexdigest()[:12]
    name = "-".join([kind, *source.parts[1:]])
    target = folder / f"{name}.o"
    if not target.exists():
        unfinished = folder / f"{name}.{os.getpid()}"
        compile_source(bench, source, unfinished)
        unfinished.rename(target)
    return target


def link(bench: Bench, models: dict[int, Path], sources: Sequence[Path], folder: Path, objects: Path) -> Path:
    """One program of several models.

    Args:
        bench: Where it runs.
        models: Number -> object.
        sources: Of the runtime, relative to it.
        folder: For the program.
        objects: For what is the same in every program.

    Raises:
        RefusedByCompilerError: Something is missing.
    """
    table = folder / "graphs.c"
    table.write_text(table_text(models), encoding="utf-8")
    compile_source(bench, table, folder / "graphs.o")
    fixed = [MAIN, APPLICATION / "crc32.c", *(RUNTIME / source for source in sources)]
    files = [folder / "graphs.o", *models.values(), *(object_of(bench, source, objects) for source in fixed)]
    program = folder / "program"
    try:
        if bench.core:
            build(files, bench.core, program, flags=("-O1",))
        else:
            link_here(bench, [*files, object_of(bench, HERE / "board_host.c", objects)], program)
    except RuntimeError as error:
        raise RefusedByCompilerError(str(error)) from error
    return program


def link_here(bench: Bench, files: Sequence[Path], program: Path) -> None:
    command = [*bench.command(), *map(str, files), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


def table_text(models: dict[int, Path]) -> str:
    declarations = [f"extern const textzoo_graph_t textzoo_graph_{number};" for number in models]
    rows = [f"[{number}] = &textzoo_graph_{number}," for number in models]
    rows = ["const textzoo_graph_t *const textzoo_graphs[] = {", *rows, "};"]
    return "\n".join(['#include "run_graphs.h"', *declarations, *rows, ""])


def run_program(bench: Bench, program: Path, cases: bytes, folder: Path) -> bytes:
    """The bytes of results.bin.

    Raises:
        StoppedError: The program did not come to its end.
    """
    (folder / "cases.bin").write_bytes(cases)
    try:
        if bench.core:
            run(program, bench.core, folder, TIMEOUT)
        else:
            run_here([*bench.launcher(), str(program)], folder)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        raise StoppedError(str(error)) from error
    return (folder / "results.bin").read_bytes()


def run_here(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr or f"status {done.returncode}")
