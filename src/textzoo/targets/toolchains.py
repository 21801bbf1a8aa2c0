"""Compilers and emulators: their paths, and the packages that provide them."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.paths import IS_INSTALLED

SHOWN_LINES = 15
BUILD_SECONDS = 600


class MissingToolError(UserError):
    """A compiler or an emulator is not installed; the remedy names its package."""


@dataclass(frozen=True)
class Tool:
    """A program that a target needs.

    Attributes:
        programs: Its possible names; the first one found is used.
        packages: Debian packages that provide it: the program's own first, then libraries and headers.
        purpose: What it is for.
        macos: The command that installs it on macOS, if there is one.
    """

    programs: tuple[str, ...]
    packages: str
    purpose: str
    macos: str = ""

    @property
    def program(self) -> str:
        return self.programs[0]

    @property
    def prefix(self) -> str:
        """Prefix of a cross compiler's programs: arm-none-eabi- of arm-none-eabi-gcc."""
        return self.program[: self.program.rindex("-") + 1]


ARM_GCC = "gcc-arm-none-eabi libnewlib-arm-none-eabi"
RISCV_GCC = "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"
# Every compiler, emulator and other program that TextZoo starts, including its tests and benchmarks.
TOOLS = {
    "arm": Tool(("arm-none-eabi-gcc",), ARM_GCC, "compiling for Cortex-M"),
    "host": Tool(("gcc", "clang", "cc"), "gcc libc6-dev", "compiling for this machine", "xcode-select --install"),
    "riscv": Tool(("riscv64-unknown-elf-gcc",), RISCV_GCC, "compiling for RISC-V"),
    "xtensa": Tool(
        ("xtensa-lx106-elf-gcc",), "gcc-xtensa-lx106 picolibc-xtensa-lx106-elf", "compiling for Xtensa (ESP32)"
    ),
    "c++": Tool(("c++", "g++", "clang++"), "g++", "compiling C++ for this machine"),
    "riscv-c++": Tool(("riscv64-unknown-elf-g++",), RISCV_GCC, "compiling C++ for RISC-V"),
    "make": Tool(("make", "gmake"), "make", "building the project"),
    "qemu": Tool(("qemu-system-arm",), "qemu-system-arm", "emulating boards"),
    "aarch64": Tool(
        ("aarch64-linux-gnu-gcc",), "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "compiling for Linux on arm64"
    ),
    "qemu-aarch64": Tool(("qemu-system-aarch64",), "qemu-system-arm", "emulating boards"),
    "qemu-user": Tool(("qemu-aarch64",), "qemu-user", "emulating programs for Linux on arm64"),
    "qemu-riscv": Tool(("qemu-system-riscv32",), "qemu-system-misc", "emulating RISC-V boards"),
    "qemu-xtensa": Tool(("qemu-system-xtensa",), "qemu-system-misc", "emulating Xtensa boards (ESP32)"),
    "cmake": Tool(("cmake",), "cmake", "building the project with CMake"),
    # wasm-ld belongs to lld; clang alone links no WebAssembly.
    "wasm": Tool(("wasm-ld",), "lld clang wasi-libc libclang-rt-dev-wasm32", "compiling for WebAssembly"),
    "node": Tool(("node",), "nodejs", "running WebAssembly"),
    "gcc": Tool(("gcc",), "gcc libc6-dev", "testing C with this compiler"),
    "clang": Tool(("clang",), "clang libclang-rt-dev", "testing C with sanitizers"),
    "ccache": Tool(("ccache",), "ccache", "compiling the same source only once"),
    # Debian installs it outside of the PATH.
    "postgresql": Tool(("initdb",), "postgresql", "testing a tracking store that several runs share"),
    "chromium": Tool(("chromium", "chromedriver"), "chromium chromium-driver", "testing pages in a browser"),
    "arduino": Tool(
        ("arduino-builder",), "arduino-builder arduino-core-avr gcc-avr avr-libc", "testing sketches of Arduino"
    ),
    "avr": Tool(("avr-gcc",), "gcc-avr avr-libc", "testing C on a core whose int has 16 bits"),
    "simavr": Tool(("simavr",), "simavr", "emulating AVR boards (Arduino)"),
    "zstd": Tool(("zstd",), "zstd", "comparing models with a compressor"),
    "xz": Tool(("xz",), "xz-utils", "testing the comparison with a compressor"),
    "valgrind": Tool(("valgrind",), "valgrind", "counting instructions on this machine"),
}
MAKE = "make"
# What `make tools-<group>` installs (scripts/install_tools.py): everything for building and running for a platform.
GROUPS = {
    "host": (MAKE, "host"),
    "stm32": (MAKE, "arm", "qemu"),
    "rp2": (MAKE, "arm", "qemu", "host"),
    "nrf52": (MAKE, "arm", "qemu"),
    "mpu": (MAKE, "aarch64", "qemu-user", "qemu-aarch64"),
    "esp32": (MAKE, "xtensa", "riscv", "qemu-xtensa", "qemu-riscv"),
    "browser": (MAKE, "wasm", "node"),
    "cimv3": (MAKE, "cmake", "c++", "riscv", "riscv-c++", "qemu-riscv"),
}
# The tools of all groups, and the additional ones of `make tools-test`.
PLATFORM_TOOLS = tuple(dict.fromkeys(name for names in GROUPS.values() for name in names))
TEST_TOOLS = ("gcc", "clang", "ccache", "postgresql", "chromium", "arduino", "avr", "simavr", "zstd", "xz")


def find_tool(name: str) -> Path | None:
    """Return the path of a tool of TOOLS, or None."""
    found = (shutil.which(program) for program in TOOLS[name].programs)
    return next((Path(path) for path in found if path), None)


def missing_tools(names: Iterable[str]) -> list[MissingToolError]:
    """Return an error for each tool that is not installed, with its package and the make target that installs it."""
    return [
        MissingToolError(
            f"{' or '.join(TOOLS[name].programs)} is needed for {TOOLS[name].purpose} and is not installed",
            remedy=remedy_of(name),
        )
        for name in names
        if find_tool(name) is None
    ]


def remedy_of(name: str) -> str:
    """Return how to install a tool of TOOLS."""
    tool = TOOLS[name]
    on_macos = f"; macOS: {tool.macos}" if tool.macos else ""
    by_hand = f"Debian and Ubuntu: sudo apt-get install {tool.packages}{on_macos}"
    targets = [f"make tools-{group}" for group, names in (GROUPS | {"test": TEST_TOOLS}).items() if name in names]
    if name == MAKE or not targets or IS_INSTALLED:
        return by_hand
    return f"In TextZoo's folder: {' or '.join(targets)}. {by_hand}"


def require_tool(name: str) -> Path:
    """Return the path of a tool of TOOLS.

    Raises:
        MissingToolError: It is not on the PATH.
    """
    for error in missing_tools([name]):
        raise error
    return find_tool(name)


def tool_beside(compiler: str, name: str) -> Path:
    """Return the path of another program of a cross compiler's, such as `size`.

    It lies beside the compiler, or elsewhere on the PATH where the compiler is a link to ccache.

    Raises:
        MissingToolError: The compiler is not on the PATH.
    """
    beside = require_tool(compiler).with_name(f"{TOOLS[compiler].prefix}{name}")
    return beside if beside.exists() else Path(shutil.which(beside.name) or beside)


def compile_objects(command: Sequence[str], sources: Iterable[Path], folder: Path) -> list[Path]:
    """Compile C files, as many at a time as there are processors; return the objects in the files' order.

    The compiler runs in `folder`: ccache then recognizes sources in it when they are compiled in another one.

    Args:
        command: The compiler's path and its flags; folders in them are absolute.
        sources: C or assembly files.
        folder: For the objects.

    Raises:
        RuntimeError: The compiler refuses a file; the message is the compiler's.
    """
    compiler, *flags = command
    compiler = str(Path(compiler).absolute())

    def compile_one(number: int, source: Path) -> Path:
        target = folder.absolute() / f"{number}_{source.stem}.o"
        run_compiler([compiler, *flags, "-c", str(source.absolute()), "-o", str(target)], folder)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, *zip(*enumerate(sources), strict=True)))


def run_compiler(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a compiler or a linker, which end by themselves; RuntimeError with the messages where one fails."""
    options = {"capture_output": True, "text": True, "errors": "replace", "timeout": BUILD_SECONDS, "check": False}
    done = subprocess.run(command, cwd=folder, env=processes.clean_environment(), **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def run_make(folder: Path, *arguments: str, timeout: float = BUILD_SECONDS) -> str:
    """Run make in a project and return its output; raise UserError with the compiler's first errors if it fails."""
    command = [str(require_tool("make")), "--no-print-directory", f"-j{os.cpu_count() or 1}", *arguments]
    try:
        answer = processes.run_text(command, folder, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"make {' '.join(arguments)} in '{folder}' did not end within {timeout:g} s") from error
    if answer.returncode:
        raise UserError(
            f"make {' '.join(arguments)} in '{folder}' failed with code {answer.returncode}",
            received="\n" + first_complaints(answer.stderr or answer.stdout),
        )
    return answer.stdout


def first_complaints(output: str) -> str:
    """Return the relevant lines of a failed build: the errors, else the last lines."""
    lines = output.strip().splitlines()
    errors = [line for line in lines if "error" in line or "overflowed" in line or "will not fit" in line]
    return "\n".join((errors or lines[-SHOWN_LINES:])[:SHOWN_LINES])
