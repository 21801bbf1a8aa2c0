"""Bare-metal programs on emulated cores: build, run, and count instructions exactly.

QEMU counts instructions, not cycles: the figures are the same on every run and on every machine.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from textzoo.common.paths import DEPLOYMENT
from textzoo.targets.twins import COUNTING as TWIN_COUNTING
from textzoo.targets.twins import TWINS, Twin

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parents[1] / "deployment" / "runtime"
COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
PACKAGES = {
    COMPILER: "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    EMULATOR: "qemu-system-arm",
    **{f"{twin.prefix}gcc": twin.packages for twin in TWINS.values()},
    **{twin.program: "qemu-system-misc" for twin in TWINS.values()},
    "gcc": "gcc",
    "clang": "clang",
    "valgrind": "valgrind",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "qemu-aarch64": "qemu-user",
}
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
COUNTING = ["-icount", "shift=6,sleep=off", "-display", "none", "-monitor", "none", "-serial", "none"]
TIMEOUT = 600  # seconds that a program may run
SEMIHOSTING = ["-semihosting-config", "enable=on,target=native"]


class MissingToolError(Exception):
    """A compiler or emulator is not installed; the message names the Debian package that brings it."""


@dataclass(frozen=True)
class Core:
    """A processor and its emulated board.

    Attributes:
        variant: Folder of the runtime whose kernels it runs.
        flags: What the compiler is told about the processor; of a twin, its table does.
        machine: QEMU's name of the board.
        clock_hz: Of its SysTick.
        code: Address of the vectors.
        ram: Address and bytes of the memory for everything but code; reading on is a fault.
        twin: Key of TWINS; empty for a Cortex-M.
    """

    variant: str
    flags: tuple[str, ...]
    machine: str
    clock_hz: int
    code: int
    ram: tuple[int, int]
    twin: str = ""

    @property
    def emulator(self) -> str:
        return TWINS[self.twin].program if self.twin else EMULATOR


M4_FLAGS = ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16")
M7_FLAGS = ("-mcpu=cortex-m7", "-mfpu=fpv5-d16")
CORES: Mapping[str, Core] = {
    "m4": Core("dsp", M4_FLAGS, "mps2-an386", 25_000_000, 0, (0x20000000, 4 << 20)),
    "m7": Core("dsp", M7_FLAGS, "mps2-an500", 25_000_000, 0, (0x20000000, 4 << 20)),
    "m33": Core("dsp", ("-mcpu=cortex-m33",), "mps2-an505", 20_000_000, 0x10000000, (0x38000000, 4 << 20)),
    "m55": Core("mve", ("-mcpu=cortex-m55",), "mps3-an547", 32_000_000, 0, (0x31000000, 4 << 20)),
    "lx106": Core("mul32", (), "sim", 0, 0x60000000, (0x67C00000, 4 << 20), "lx106"),
    "rv32": Core("mul32", (), "virt", 0, 0x80001000, (0x87C00000, 4 << 20), "rv32"),
}


def require(tool: str) -> str:
    """The path of a tool.

    Raises:
        MissingToolError: It is not on the PATH.
    """
    path = shutil.which(tool)
    if path is None:
        raise MissingToolError(f"{tool} is missing: apt-get install {PACKAGES[tool]}")
    return path


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
    link = ["-nostartfiles", "--specs=nano.specs", f"-T{HERE / 'memory.ld'}"]
    link += ["-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
    link += [f"-Wl,--defsym={name}={value:#x}" for name, value in layout.items()]
    machine = ["-mthumb", "-mfloat-abi=hard", *board.flags]
    files = [str(HERE / "board.c"), str(HERE / "board_memory.c"), *map(str, sources)]
    compile_with(COMPILER, [*machine, *flags, "-ffunction-sections", *symbols, *link], files, elf)
    return elf


def code_bytes(source: Path, core: str, folder: Path) -> int:
    """Bytes of a kernel's code and tables, compiled as projects compile kernels."""
    board, target = CORES[core], folder / f"{source.stem}.o"
    twin = TWINS.get(board.twin)
    tools = twin.prefix if twin else COMPILER.removesuffix("gcc")
    machine = twin.flags.split() if twin else ["-mthumb", "-mfloat-abi=hard", *board.flags]
    compile_with(f"{tools}gcc", [*machine, "-O2", "-fno-strict-aliasing", "-c"], [str(source)], target)
    table = finish([f"{tools}size", str(target)], folder)
    return int(table.splitlines()[1].split()[0])


def build_for_twin(
    sources: Sequence[Path], board: Core, twin: Twin, elf: Path, defines: Mapping[str, object], flags: Sequence[str]
) -> None:
    """The same for a twin, with the start-up code of projects."""
    shared = DEPLOYMENT / "platforms" / "twins"
    machine = shared / board.twin
    layout = {"RESET": twin.reset.origin, "CODE": board.code, "RAM": board.ram[0], "RAM_BYTES": board.ram[1]}
    link = ["-nostartfiles", f"-T{HERE / 'twin.ld'}", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
    link += [f"-Wl,--defsym={name}={value:#x}" for name, value in layout.items()]
    includes = [f"-I{folder}" for folder in (machine, shared, DEPLOYMENT / "application")]
    symbols = [f"-D{name}={value}" for name, value in defines.items()]
    files = [
        HERE / "board_twin.c",
        HERE / "board_memory.c",
        HERE / f"files_{board.twin}.c",
        shared / "counter_of_twin.c",
    ]
    files += [*sorted(machine.glob("*.[cS]")), *sources]
    options = [*twin.flags.split(), *flags, "-ffunction-sections", *includes, *symbols, *link]
    compile_with(f"{twin.prefix}gcc", options, [*map(str, files), "-lc", "-lgcc"], elf)


def compile_with(compiler: str, flags: Sequence[str], files: Sequence[str], program: Path) -> None:
    """Run a C compiler, warnings being errors; its messages are in the exception if it fails."""
    includes = [f"-I{HERE}", f"-I{RUNTIME / 'include'}", f"-I{RUNTIME}"]
    command = [require(compiler), *WARNINGS, *flags, *includes, *files, "-o", str(program)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{finished.stderr}")


def run(elf: Path, core: str, folder: Path, timeout: float = TIMEOUT) -> str:
    """Run a program on the core's emulated board, in `folder`, and return what it printed.

    Raises:
        RuntimeError: It stopped with a status other than 0 (a fault is 3).
    """
    board = CORES[core]
    counting, options = COUNTING, SEMIHOSTING
    if board.twin:
        counting, options = [*TWIN_COUNTING, "-serial", "none"], TWINS[board.twin].options
    command = [require(board.emulator), "-M", board.machine, *counting, *options, "-kernel", str(elf.resolve())]
    return finish(command, folder, timeout)


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
