"""Cases for run_cases.c: prepare kernels' inputs, run them on a core or on this machine, read back what came out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from textzoo.common.paths import RUNTIME
from textzoo.testing.bare_metal import HERE, TIMEOUT, build, compile_with, finish, run

# In the order of `kernels` in run_cases.c.
KERNELS = (
    "fully_connected_s8",
    "dot_rows_s8",
    "weighted_sum_s8",
    "fully_connected_s8_w4",
    "fully_connected_s8_w2",
    "fully_connected_s16",
    "dot_rows_s16",
    "weighted_sum_s16",
    "fully_connected_s8_b3",
    "fully_connected_s8_sparse",
)
PARAMETERS = 8
SOURCES = [HERE / "run_cases.c", HERE / "generic_kernels.c"]


@dataclass(frozen=True)
class Buffer:
    """Memory that a kernel gets.

    Attributes:
        content: Any dtype; sent as it lies in memory.
        offset: 0 to 15: where it starts, behind a multiple of 16 bytes.
        fenced: Whether it ends where memory ends, so that reading on is a fault.
        returned: Whether its content after the call is of interest.
    """

    content: np.ndarray
    offset: int = 0
    fenced: bool = False
    returned: bool = False


@dataclass(frozen=True)
class Case:
    """One call of a kernel.

    Attributes:
        kernel: One of KERNELS.
        parameters: Integers, at most 8, as its function in run_cases.c expects them.
        buffers: In the order that it expects.
        generic: Whether to call the generic kernel instead of the variant.
    """

    kernel: str
    parameters: Sequence[int]
    buffers: Sequence[Buffer]
    generic: bool = False

    def encode(self) -> bytes:
        """Return the case as run_cases.c reads it."""
        numbers = [*self.parameters, *[0] * (PARAMETERS - len(self.parameters))]
        header = [KERNELS.index(self.kernel), int(self.generic), *numbers, len(self.buffers)]
        for buffer in self.buffers:
            header += [buffer.content.nbytes, buffer.offset, int(buffer.fenced), int(buffer.returned)]
        return np.array(header, "<i4").tobytes() + b"".join(buffer.content.tobytes() for buffer in self.buffers)


@dataclass
class Result:
    """What came of a case.

    Attributes:
        instructions: That the call took; 0 where nothing counts them.
        intact: Whether the bytes around its buffers are unchanged.
        returned: The contents of the buffers marked so, in their dtypes.
    """

    instructions: int
    intact: bool
    returned: list[np.ndarray] = field(default_factory=list)


def decode(results: bytes, cases: Sequence[Case]) -> list[Result]:
    """Decode results.bin to one Result per case; ValueError if it is not as long as the cases say."""
    found, position = [], 0
    for case in cases:
        instructions, intact = np.frombuffer(results, "<i4", 2, position)
        position += 8
        result = Result(int(instructions), bool(intact))
        for buffer in case.buffers:
            if buffer.returned:
                content = np.frombuffer(results, buffer.content.dtype, buffer.content.size, position)
                result.returned.append(content)
                position += buffer.content.nbytes
        found.append(result)
    if position != len(results):
        raise ValueError(f"results.bin has {len(results)} bytes, {position} were expected")
    return found


def kernel_sources(variant: str) -> list[Path]:
    """Return the kernels' C files of a variant, generic where it has none."""
    paths = [RUNTIME / variant / f"{kernel}.c" for kernel in KERNELS]
    return [path if path.exists() else RUNTIME / "generic" / path.name for path in paths]


def build_for_core(core: str, variant: str, flags: Sequence[str], folder: Path) -> Path:
    """Build the program for a core with the kernels of a variant."""
    return build([*SOURCES, *kernel_sources(variant)], core, folder / "run_cases.elf", flags=flags)


def build_for_host(variant: str, compiler: str, flags: Sequence[str], folder: Path) -> Path:
    """Build the program for this machine, where each buffer is allocated by itself and nothing counts instructions."""
    files = [HERE / "board_host.c", *SOURCES, *kernel_sources(variant)]
    compile_with(compiler, flags, files, folder / "run_cases")
    return folder / "run_cases"


def run_on_core(program: Path, core: str, cases: Sequence[Case], folder: Path) -> list[Result]:
    """Run cases on the core's emulated board."""
    write_cases(cases, folder)
    run(program, core, folder)
    return read_results(cases, folder)


def run_on_host(program: Path, cases: Sequence[Case], folder: Path, launcher: Sequence[str] = ()) -> list[Result]:
    """Run cases on this machine; `launcher`: the command of an emulator, which the program follows."""
    write_cases(cases, folder)
    finish([*launcher, str(program)], folder, TIMEOUT)
    return read_results(cases, folder)


def write_cases(cases: Sequence[Case], folder: Path) -> None:
    """Write cases.bin, as run_cases.c reads it."""
    (folder / "cases.bin").write_bytes(b"".join(case.encode() for case in cases))


def read_results(cases: Sequence[Case], folder: Path) -> list[Result]:
    """Read one Result per case from results.bin; ValueError if that is not as long as the cases say."""
    return decode((folder / "results.bin").read_bytes(), cases)
