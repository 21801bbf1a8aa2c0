"""Bare-metal programs on emulated cores: build, run, and count instructions exactly.

QEMU counts instructions, not cycles: the figures are the same on every run and on every machine.
"""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from textzoo.common.paths import APPLICATION, PLATFORM_SOURCES, RUNTIME
from textzoo.targets import twins
from textzoo.targets.browser import platform as wasm
from textzoo.targets.cortex_m import cores
from textzoo.targets.toolchains import TOOLS, compile_objects, require_tool, run_compiler, tool_beside
from textzoo.targets.twins import TWINS, Twin
from textzoo.testing import STRICT

HERE = Path(__file__).resolve().parent
INCLUDES = [f"-I{folder}" for folder in (HERE, RUNTIME, RUNTIME / "include")]
COUNTING = [*twins.COUNTING, "-serial", "none"]
TIMEOUT = 600  # seconds that a program may run
# Flags of clang for programs for WASI, with wasi-libc, and what runs them: a program follows.
WASM_FLAGS = ("--target=wasm32-wasi", "--sysroot=/usr", *wasm.CORES["wasm32"].split())
WASM_TOOLS = ("wasm", "node")
WASM_LAUNCHER = (TOOLS["node"].program, "--no-warnings", str(HERE / "wasi.mjs"))
SEMIHOSTING = ["-semihosting-config", "enable=on,target=native"]


@dataclass(frozen=True)
class Core:
    """A processor and its emulated board.

    Attributes:
        variant: Folder of the runtime whose kernels it runs.
        cpu: Key of cores.CORES; empty for an emulated board of its own.
        machine: QEMU's name of the board.
        clock_hz: Of its SysTick.
        code: Address of the vectors.
        ram: Address and bytes of the memory for everything but code; reading on is a fault.
        twin: Key of TWINS; empty for a Cortex-M.
    """

    variant: str
    cpu: str
    machine: str
    clock_hz: int
    code: int
    ram: tuple[int, int]
    twin: str = ""

    @property
    def compiler(self) -> str:
        """Key of toolchains.TOOLS."""
        return TWINS[self.twin].compiler if self.twin else "arm"

    @property
    def emulator(self) -> str:
        """Key of toolchains.TOOLS."""
        return TWINS[self.twin].emulator if self.twin else "qemu"

    @property
    def flags(self) -> list[str]:
        """What the compiler is told about the processor."""
        return (TWINS[self.twin].flags if self.twin else cores.CORES[self.cpu]).split()


# The Armv6-M cores run on a Cortex-M4 that faults where they do (board.c): QEMU's board with a Cortex-M0 is too small.
CORES: Mapping[str, Core] = {
    "m0": Core("mul32", "cortex-m0", "mps2-an386", 25_000_000, 0, (0x20000000, 4 << 20)),
    "m0plus": Core("mul32", "cortex-m0plus", "mps2-an386", 25_000_000, 0, (0x20000000, 4 << 20)),
    "m4": Core("dsp", "cortex-m4", "mps2-an386", 25_000_000, 0, (0x20000000, 4 << 20)),
    "m7": Core("dsp", "cortex-m7", "mps2-an500", 25_000_000, 0, (0x20000000, 4 << 20)),
    "m33": Core("dsp", "cortex-m33", "mps2-an505", 20_000_000, 0x10000000, (0x38000000, 4 << 20)),
    "m55": Core("mve", "cortex-m55", "mps3-an547", 32_000_000, 0, (0x31000000, 4 << 20)),
    "lx106": Core("mul32", "", "sim", 0, 0x60000000, (0x67C00000, 4 << 20), "lx106"),
    "rv32": Core("mul32", "", "virt", 0, 0x80001000, (0x87C00000, 4 << 20), "rv32"),
}
# Core with a model of cycles (cycles.timing.CORES) -> key of CORES that runs its programs, where it has another name.
STAND_INS: Mapping[str, str] = {"esp32c3": "rv32"}


def build(
    sources: Sequence[Path],
    core: str,
    elf: Path,
    defines: Mapping[str, object] = MappingProxyType({}),
    flags: Sequence[str] = ("-O3",),
) -> Path:
    """Compile and link a program with the start-up code.

    Args:
        sources: C files, the one with `main` among them.
        core: A key of CORES.
        elf: Where the program goes.
        defines: Preprocessor symbols.
        flags: More for the compiler.

    Returns:
        `elf`.
    """
    board = CORES[core]
    if board.twin:
        build_for_twin(sources, board, TWINS[board.twin], elf, defines, flags)
        return elf
    layout = {"CODE": board.code, "RAM": board.ram[0], "RAM_BYTES": board.ram[1]}
    symbols = [f"-D{name}={value}" for name, value in {**defines, "CLOCK_HZ": f"{board.clock_hz}u"}.items()]
    link = ["-nostartfiles", f"-T{HERE / 'memory.ld'}"]
    link += ["-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
    link += [f"-Wl,--defsym={name}={value:#x}" for name, value in layout.items()]
    files = [HERE / "board.c", HERE / "board_memory.c", *sources]
    options = [*board.flags, *flags, "--specs=nano.specs", "-ffunction-sections", *symbols]
    compile_with(board.compiler, options, files, elf, link)
    return elf


def code_bytes(source: Path, core: str, folder: Path) -> int:
    """Return the bytes of a kernel's code and tables, compiled as projects compile kernels."""
    board = CORES[core]
    flags = [*board.flags, "-O2", "-fno-strict-aliasing"]
    (target,) = compile_objects([str(require_tool(board.compiler)), *STRICT, *flags, *INCLUDES], [source], folder)
    table = finish([str(tool_beside(board.compiler, "size")), str(target)], folder)
    return int(table.splitlines()[1].split()[0])


def build_for_twin(
    sources: Sequence[Path], board: Core, twin: Twin, elf: Path, defines: Mapping[str, object], flags: Sequence[str]
) -> None:
    """Build for an emulated board, with the start-up code of projects."""
    shared = PLATFORM_SOURCES / "twins"
    machine = shared / board.twin
    layout = {"RESET": twin.reset.origin, "CODE": board.code, "RAM": board.ram[0], "RAM_BYTES": board.ram[1]}
    link = ["-nostartfiles", f"-T{HERE / 'twin.ld'}", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
    link += [f"-Wl,--defsym={name}={value:#x}" for name, value in layout.items()]
    includes = [f"-I{folder}" for folder in (machine, shared, APPLICATION)]
    symbols = [f"-D{name}={value}" for name, value in defines.items()]
    files = [
        HERE / "board_twin.c",
        HERE / "board_memory.c",
        HERE / f"files_{board.twin}.c",
        shared / "counter_of_twin.c",
    ]
    files += [*sorted(machine.glob("*.[cS]")), *sources]
    options = [*board.flags, *flags, "-ffunction-sections", *includes, *symbols]
    compile_with(board.compiler, options, files, elf, link, ["-lc", "-lgcc"])


def compile_with(
    compiler: str,
    flags: Sequence[str],
    files: Sequence[Path],
    program: Path,
    link: Sequence[str] = (),
    libraries: Sequence[str] = (),
) -> None:
    """Build a program by a C compiler of toolchains.TOOLS, warnings being errors.

    Args:
        compiler: Key of TOOLS.
        flags: Of the compiler and the linker.
        files: C and assembly sources, and objects.
        program: What is built.
        link: More flags of the linker.
        libraries: What follows the files.

    Raises:
        RuntimeError: Something is refused; the message is the compiler's.
    """
    command = [str(require_tool(compiler)), *STRICT, *flags]
    with tempfile.TemporaryDirectory(prefix="objects-", dir=program.parent) as folder:
        sources = [path for path in files if path.suffix != ".o"]
        compiled = dict(zip(sources, compile_objects([*command, *INCLUDES], sources, Path(folder)), strict=True))
        objects = [str(compiled.get(path, path)) for path in files]
        run_compiler([*command, *link, *objects, *libraries, "-o", str(program)])


def run(elf: Path, core: str, folder: Path, timeout: float = TIMEOUT) -> str:
    """Run a program on the core's emulated board, in `folder`, and return what it printed.

    Raises:
        RuntimeError: It stopped with a status other than 0 (a fault is 3).
    """
    return finish([*emulator_command(core), str(elf.resolve())], folder, timeout)


def emulator_command(core: str, machine: str = "") -> list[str]:
    """Return the command that runs a program on a core's emulated board, or another one of it, without the program."""
    board = CORES[core]
    options = TWINS[board.twin].options if board.twin else SEMIHOSTING
    return [str(require_tool(board.emulator)), "-M", machine or board.machine, *COUNTING, *options, "-kernel"]


def finish(command: Sequence[str], folder: Path, timeout: float = TIMEOUT) -> str:
    """Run a program to its end in `folder` and return its output; raise RuntimeError with it if it fails."""
    finished = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {finished.returncode}\n{finished.stdout}{finished.stderr}")
    return finished.stdout + finished.stderr
