"""Measure cycles: run an image under QEMU with the plugin, and read what the plugin found.

    with counting(program, timing, places_of(board, emulator), [Span("model_step")]) as counter:
        with run_program([*emulator_command, image, *counter.options], name, project) as console:
            console.ask({"command": "benchmark"})
        measured = counter.result()  # after QEMU has ended
    for call in measured.of("model_step"):
        print(call.cost.instructions, call.cost.core_cycles, call.cost.cycles)

Only what runs within a span is modelled: a span's first call finds empty caches, each later one what the call before
it left. So figures do not depend on when the console's commands arrive, and are the same on every run.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.targets.boards import FLASH, TWIN_IMAGE, Board, Emulator, Memory
from textzoo.targets.cycles.timing import Timing


class CyclesUnavailableError(UserError):
    """Cycles cannot be measured on this machine: QEMU takes no plugins, or there is no compiler for one."""


@dataclass(frozen=True)
class Place:
    """A range of the running image's addresses.

    Attributes:
        memory: The board's memory that it stands for, a key of Timing.memories.
        origin: First address.
        bytes: Size.
    """

    memory: str
    origin: int
    bytes: int


@dataclass(frozen=True)
class Span:
    """What is measured: every call of a function, from its first instruction to its return.

    Attributes:
        name: A function of the image.
        until: Symbol whose first instruction ends the span instead of the return; "" for the return.
    """

    name: str
    until: str = ""


@dataclass(frozen=True)
class Cost:
    """What some instructions cost.

    Attributes:
        instructions: Their number, which is exact.
        core_cycles: Cycles if no memory made the core wait.
        cycles: Cycles with the waits.
        instruction_stalls: Waits for instructions, in cycles.
        data_stalls: Waits for data, in cycles.
    """

    instructions: int = 0
    core_cycles: int = 0
    cycles: int = 0
    instruction_stalls: int = 0
    data_stalls: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(a + b for a, b in zip(self.values(), other.values(), strict=True)))

    def values(self) -> tuple[int, int, int, int, int]:
        return self.instructions, self.core_cycles, self.cycles, self.instruction_stalls, self.data_stalls

    @property
    def stalls(self) -> int:
        return self.instruction_stalls + self.data_stalls


@dataclass(frozen=True)
class Call:
    """One call of a measured function, with all that it calls.

    Attributes:
        name: The span's.
        depth: Number of measured calls around it.
        cost: What it cost.
        before: Cost of what ran before it within the outermost measured call.
    """

    name: str
    depth: int
    cost: Cost
    before: Cost = Cost()


@dataclass(frozen=True)
class ObjectReads:
    """What reading one object of the image (a table of weights, an array) cost.

    Attributes:
        misses: Lines that were in no buffer.
        stalls: Cycles of waiting for them.
    """

    misses: int = 0
    stalls: int = 0


@dataclass(frozen=True)
class Measurement:
    """What the plugin found.

    Attributes:
        calls: All measured calls, in the order of their ends.
        symbols: Function -> cost of its own instructions within spans, without the functions that it calls.
        objects: Object of data -> waits for it within spans.
    """

    calls: tuple[Call, ...]
    symbols: dict[str, Cost]
    objects: dict[str, ObjectReads]

    def of(self, name: str) -> list[Call]:
        """Return the calls of one function, in order."""
        return [call for call in self.calls if call.name == name]

    def total(self, name: str) -> Cost:
        """Return the sum over the calls of one function."""
        return sum((call.cost for call in self.of(name)), Cost())


@dataclass(frozen=True)
class Counter:
    """A run of QEMU that is counted.

    Attributes:
        options: To append to QEMU's command.
        output: The file that the plugin writes when QEMU ends.
    """

    options: tuple[str, ...]
    output: Path

    def result(self) -> Measurement:
        """Return what the plugin found, after QEMU has ended.

        Raises:
            UserError: QEMU did not end by itself, or executed an instruction that the model does not know.
        """
        raise NotImplementedError


@contextlib.contextmanager
def counting(
    program: Path, timing: Timing, places: Sequence[Place], spans: Sequence[Span], qemu: str = "qemu"
) -> Iterator[Counter]:
    """Prepare a run of QEMU that counts cycles; temporary files last as long as the block.

    Args:
        program: The ELF.
        timing: Of the board.
        places: Which addresses stand for which of its memories; all others never make the core wait.
        spans: What is measured. Calls of measured functions within others are logged on their own, too, so that with
            the kernels among them `Measurement.calls` has a row for each operator.
        qemu: Key of toolchains.TOOLS.

    Raises:
        CyclesUnavailableError: QEMU takes no plugins, or there is no C compiler; the message gives the reason.
        UserError: A span or a place that does not exist.
    """
    raise CyclesUnavailableError("the cycle model is being built")
    yield


def places_of(board: Board, emulator: Emulator, data: Memory) -> list[Place]:
    """Return where an image's memories are when an emulator runs it.

    Args:
        board: The board.
        emulator: One of its emulators.
        data: The board's memory that the image keeps its data in (board.data_memory(ram_bytes)).
    """
    if emulator.image != TWIN_IMAGE:
        return [Place(memory.name, memory.origin, memory.bytes) for memory in board.memories.values()]
    regions = {(region.origin, region.bytes) for region in (emulator.code, emulator.constants)}
    places = [Place(board.memory(FLASH).name, *region) for region in sorted(regions)]
    return [*places, Place(data.name, emulator.data.origin, emulator.data.bytes)]
