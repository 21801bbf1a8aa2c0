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

import bisect
import contextlib
import tempfile
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.targets.boards import FLASH, TWIN_IMAGE, Board, Emulator, Memory, ram_addresses
from textzoo.targets.cycles.build import CyclesUnavailableError, plugin_for
from textzoo.targets.cycles.elf import Elf, Symbol
from textzoo.targets.cycles.run_file import (
    function_sizes,
    instruction_line,
    instructions_of,
    object_lines,
    output_lines,
    timing_lines,
)
from textzoo.targets.cycles.timing import Timing
from textzoo.targets.twins import twin_of

__all__ = ["Call", "Cost", "Counter", "CyclesUnavailableError", "Measurement", "Place", "Span", "counting", "places_of"]
LARGEST = 0xFFFFFFFF


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
        before: What the outermost measured call had cost when it began.
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
        elf: The program.
        spans: What is measured.
        unknown: Address -> name of each instruction that the model does not know.
    """

    options: tuple[str, ...]
    output: Path
    elf: Elf
    spans: tuple[Span, ...]
    unknown: dict[int, str]

    def result(self) -> Measurement:
        """Return what the plugin found, after QEMU has ended.

        Raises:
            UserError: QEMU did not end by itself, or executed an instruction that the model does not know.
        """
        rows = output_lines(self.output)
        self.check_known(rows)
        calls = tuple(
            Call(self.spans[int(words[1])].name, int(words[2]), cost_of(words[3:8]), cost_of(words[8:]))
            for words in rows
            if words[0] == "call"
        )
        return Measurement(calls, self.symbols(rows), self.objects(rows))

    def check_known(self, rows: list[list[str]]) -> None:
        """Raise UserError if an instruction was executed that the model does not know."""
        for words in rows:
            if words[0] == "unknown":
                address = int(words[1], 16)
                name = self.unknown.get(address, "no instruction of the ELF")
                raise UserError(
                    f"the cycle model does not know an instruction of {function_at(self.elf.functions, address)}",
                    received=f"{name} at 0x{address:08x}",
                )

    def symbols(self, rows: list[list[str]]) -> dict[str, Cost]:
        """Return function -> cost of its own instructions."""
        found: dict[str, Cost] = {}
        for words in rows:
            if words[0] == "instruction":
                name = function_at(self.elf.functions, int(words[1], 16))
                found[name] = found.get(name, Cost()) + cost_of(words[2:])
        return found

    def objects(self, rows: list[list[str]]) -> dict[str, ObjectReads]:
        """Return object of data -> waits for it."""
        objects = self.elf.objects
        return {
            objects[int(words[1])].name: ObjectReads(int(words[2]), int(words[3]))
            for words in rows
            if words[0] == "object"
        }


def cost_of(words: Sequence[str]) -> Cost:
    return Cost(*map(int, words))


def function_at(functions: list[Symbol], address: int) -> str:
    """Return the name of the function at an address; functions are given by address."""
    index = bisect.bisect_right(functions, address, key=lambda symbol: symbol.address)
    return functions[index - 1].name if index else "the code before the first function"


@contextlib.contextmanager
def counting(
    program: Path,
    timing: Timing,
    places: Sequence[Place],
    spans: Sequence[Span],
    within: str = "",
    qemu: str = "qemu",
) -> Iterator[Counter]:
    """Prepare a run of QEMU that counts cycles; temporary files last as long as the block.

    Args:
        program: The ELF.
        timing: Of the board.
        places: Which addresses stand for which of its memories; all others never make the core wait.
        spans: What is measured. Calls of measured functions within others are logged on their own, too, so that with
            the kernels among them `Measurement.calls` has a row for each operator.
        within: A function outside of whose calls nothing is measured, e.g. benchmark_run; "" for none.
        qemu: Key of toolchains.TOOLS.

    Raises:
        CyclesUnavailableError: QEMU takes no plugins, or there is no C compiler; the message gives the reason.
        UserError: A span or a place that does not exist, or a program that cannot be read.
    """
    plugin = plugin_for(qemu)
    elf = Elf(program)
    known, unknown = instructions_of(elf)
    with tempfile.TemporaryDirectory(prefix="textzoo-cycles-") as folder:
        output, run = Path(folder) / "output", Path(folder) / "run"
        lines = [*timing_lines(timing), *place_lines(timing, places), *object_lines(elf.objects)]
        lines += [*span_lines(elf, spans, known), *([f"within {elf.address_of(within):x}"] if within else [])]
        lines += [f"output {output}", *(instruction_line(*row) for row in sorted(known.items()))]
        run.write_text("\n".join(lines) + "\n", encoding="utf-8")
        options = ("-plugin", f"file={option(plugin)},run={option(run)}")
        yield Counter(options, output, elf, tuple(spans), unknown)


def option(path: Path) -> str:
    """Return a path as a value among QEMU's options, in which a comma is doubled."""
    return str(path).replace(",", ",,")


def place_lines(timing: Timing, places: Sequence[Place]) -> list[str]:
    """Return the plugin's lines about places; UserError if one is a memory without timing."""
    names = list(timing.memories)
    for place in places:
        if place.memory not in names:
            raise UserError(f"there is no timing of the memory {place.memory}", expected=" or ".join(names))
    return [f"place {place.origin:x} {min(place.bytes, LARGEST):x} {names.index(place.memory)}" for place in places]


def span_lines(elf: Elf, spans: Sequence[Span], known: Container[int]) -> list[str]:
    """Return the plugin's lines about spans; UserError if a function is not in the program, or begins strangely."""
    sizes = function_sizes(elf)
    lines = []
    for span in spans:
        names = [span.name, span.until] if span.until else [span.name]
        addresses = [elf.address_of(name) & ~1 for name in names]
        for name, address in zip(names, addresses, strict=True):
            if address not in known:
                raise UserError(f"the cycle model does not know the first instruction of {name}")
        size = sizes[span.name].bytes if span.name in sizes else 1
        until = addresses[1] if span.until else 0
        lines.append(f"span {addresses[0]:x} {max(size, 1):x} {until:x}")
    return lines


def places_of(board: Board, emulator: Emulator, data: Memory) -> list[Place]:
    """Return where an image's memories are when an emulator runs it.

    Args:
        board: The board.
        emulator: One of its emulators.
        data: The board's memory that the image keeps its data in (board.data_memory(ram_bytes)).
    """
    if emulator.image == TWIN_IMAGE and emulator.data is None:
        twin = twin_of(emulator)
        flash = Place(board.memory(FLASH).name, twin.code.origin, twin.code.bytes)
        return [Place(data.name, twin.data.origin, min(twin.data.bytes, data.bytes)), flash]
    addresses = ram_addresses(board, emulator, data)
    places = [Place(memory.name, addresses[memory.name], memory.bytes) for memory in board.rams]
    if emulator.image != TWIN_IMAGE:
        others = [memory for memory in board.memories.values() if memory.name not in addresses]
        return [*places, *(Place(memory.name, memory.origin, memory.bytes) for memory in others)]
    regions = {(region.origin, region.bytes) for region in (emulator.code, emulator.constants)}
    return [*places, *(Place(board.memory(FLASH).name, *region) for region in sorted(regions))]
