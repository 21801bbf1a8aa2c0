"""Compilers and emulators: where they are, and which package brings what is missing."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from textzoo.common import processes
from textzoo.common.errors import UserError

SHOWN_LINES = 15
BUILD_SECONDS = 600


@dataclass(frozen=True)
class Tool:
    """A program that a target needs.

    Attributes:
        programs: Names, the first one found is taken.
        packages: Debian packages that bring it: the program's own first, then libraries and headers.
        purpose: What it is for.
    """

    programs: tuple[str, ...]
    packages: str
    purpose: str


TOOLS = {
    "arm": Tool(("arm-none-eabi-gcc",), "gcc-arm-none-eabi libnewlib-arm-none-eabi", "compiling for Cortex-M"),
    "host": Tool(("cc", "gcc", "clang"), "gcc libc6-dev", "compiling for this machine"),
    "riscv": Tool(
        ("riscv64-unknown-elf-gcc",), "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf", "compiling for RISC-V"
    ),
    "xtensa": Tool(
        ("xtensa-lx106-elf-gcc",), "gcc-xtensa-lx106 picolibc-xtensa-lx106-elf", "compiling for Xtensa (ESP32)"
    ),
    "c++": Tool(("c++", "g++", "clang++"), "g++", "compiling C++ for this machine"),
    "riscv-c++": Tool(
        ("riscv64-unknown-elf-g++",),
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        "compiling C++ for RISC-V",
    ),
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
}
MAKE = "make"
# What `make tools-<group>` installs (scripts/install_tools.py): all that building and running for a platform takes.
GROUPS = {
    "host": (MAKE, "host"),
    "stm32": (MAKE, "arm", "qemu"),
    "mpu": (MAKE, "aarch64", "qemu-user", "qemu-aarch64"),
    "esp32": (MAKE, "xtensa", "riscv", "qemu-xtensa", "qemu-riscv"),
    "cimv3": (MAKE, "cmake", "c++", "riscv", "riscv-c++", "qemu-riscv"),
}


class MissingToolError(UserError):
    """A program that is needed is not installed."""


def find_tool(name: str) -> Path | None:
    """The path of a tool of TOOLS, or None."""
    found = (shutil.which(program) for program in TOOLS[name].programs)
    return next((Path(path) for path in found if path), None)


def missing_tools(names: list[str]) -> list[MissingToolError]:
    """An error per tool that is not installed, naming the package and the target of make that brings it."""
    return [
        MissingToolError(
            f"{' or '.join(TOOLS[name].programs)} is needed for {TOOLS[name].purpose} and is not installed",
            remedy=remedy_of(name),
        )
        for name in names
        if find_tool(name) is None
    ]


def remedy_of(name: str) -> str:
    """How to come by a tool of TOOLS."""
    by_hand = f"Debian and Ubuntu: sudo apt-get install {TOOLS[name].packages}"
    targets = [f"make tools-{group}" for group, names in GROUPS.items() if name in names]
    if name == MAKE or not targets:
        return by_hand
    return f"In TextZoo's folder: {' or '.join(targets)}. {by_hand}"


def require_tool(name: str) -> Path:
    """The path of a tool; MissingToolError where it is not installed."""
    for error in missing_tools([name]):
        raise error
    return find_tool(name)


def run_make(folder: Path, *arguments: str, timeout: float = BUILD_SECONDS) -> str:
    """Run make in a project; return its output. UserError with the compiler's first complaints where it fails."""
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
    """The lines that matter of a failed build: errors first, else the end."""
    lines = output.strip().splitlines()
    errors = [line for line in lines if "error" in line or "overflowed" in line or "will not fit" in line]
    return "\n".join((errors or lines[-SHOWN_LINES:])[:SHOWN_LINES])
