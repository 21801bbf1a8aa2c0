"""Timing of a board: its core's model, and how long its memories make the core wait.

The section `timing` of a board's YAML:

    timing:
      core: m4
      error: 6.0
      anchor: 25 published counts of F407 and M467, mean error 0.9 %
      memories:
        FLASH: {line: 16, stall: 5, instruction_lines: 64, data_lines: 8, read_ahead: true, source: "RM0090, 3.5"}
        SRAM: {source: "RM0090, 2.3.1: no wait states"}
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textzoo.common.errors import UserError
from textzoo.common.settings import setting

SOURCE_EXPECTED = "where the numbers come from, e.g. a manual and its section, or that they are assumed"


@dataclass(frozen=True)
class Core:
    """A core whose cycles are modelled.

    Attributes:
        number: The plugin's number of it.
        title: Its name for readers.
        cpu: Its name in board YAMLs.
        has_l1: Whether it has level-1 caches.
        error: By how many percent of the real ones its cycles may be off without waits for memories: the largest error
            over the counts of benchmarks/silicon_counts.json, rounded up; 10 for a core with fewer than five counts, 25
            for one with none.
        rules: Where its rules come from.
    """

    number: int
    title: str
    cpu: str
    has_l1: bool
    error: int
    rules: str


CORES = {
    "m0": Core(10, "Cortex-M0", "cortex-m0", False, 10, "Arm DDI 0432 table 3-1, with the multiplier of one cycle"),
    "m0plus": Core(11, "Cortex-M0+", "cortex-m0plus", False, 10, "as M0, from Arm DDI 0484 table 3-1"),
    "m4": Core(
        4,
        "Cortex-M4",
        "cortex-m4",
        False,
        4,
        "Arm 100166 table 3-1 and its notes on loads and stores; measurements on STM32F103 and F407",
    ),
    "m7": Core(
        7,
        "Cortex-M7",
        "cortex-m7",
        True,
        6,
        "measurements on STM32H743 and H730 (pairs, latencies, forwarding), SLOTHY's model of M7",
    ),
    "m33": Core(
        33, "Cortex-M33", "cortex-m33", False, 5, "measurements on RP2350 (latencies, pairs of 16-bit instructions)"
    ),
    "m55": Core(
        55,
        "Cortex-M55",
        "cortex-m55",
        True,
        25,
        "LLVM's ARMScheduleM55.td (latencies, pipes of vectors, pairs); jumps, lists and quotients assumed",
    ),
    "esp32c3": Core(
        203,
        "RISC-V core of the ESP32-C3",
        "rv32imc",
        False,
        10,
        "measurements on ESP32-C3 (branches, loads) and ESP32-C6 (products); quotients and indirect jumps assumed",
    ),
}


@dataclass(frozen=True)
class MemoryTiming:
    """How long one memory makes the core wait; without any number it never does, as a tightly coupled memory (TCM).

    A memory is read in lines. A line that is in a buffer costs nothing; another one costs `stall` cycles. The buffers
    are the core's level-1 caches (`cached`), or the memory's own, such as those of an ART accelerator. Without buffers
    only the line that is being read is kept for instructions, and none for data.

    Attributes:
        name: The board's memory.
    """

    name: str
    source: str = setting("", "Where the numbers come from.", required=True)
    stall: int = setting(0, "Wait for a line that no buffer holds.", unit="cycles", low=0, high=10_000)
    line: int = setting(16, "Bytes that are read at once.", unit="bytes", low=4, high=1024)
    cached: bool = setting(False, "Whether it is read through the core's level-1 caches, in their lines.")
    instruction_lines: int = setting(0, "Lines that its buffer for instructions holds.", low=0, high=65536)
    data_lines: int = setting(0, "Lines that its buffer for data holds.", low=0, high=65536)
    ways: int = setting(0, "Ways of these buffers; 0 for fully associative ones.", low=0, high=65536)
    shared: bool = setting(False, "Whether data is kept in the lines for instructions, too (data_lines: 0).")
    read_ahead: bool = setting(False, "Whether the next line of instructions is read while one is executed.")
    code: bool = setting(True, "Whether instructions are read from it; false where the loops run from RAM.")


@dataclass(frozen=True)
class Level1:
    """The level-1 caches of a core."""

    source: str = setting("", "Where the numbers come from.", required=True)
    line: int = setting(32, "Bytes of a line.", unit="bytes", low=4, high=1024)
    instruction_bytes: int = setting(16384, "Size of the instruction cache; 0 for none.", low=0, high=1 << 24)
    instruction_ways: int = setting(2, "Its ways.", low=1, high=64)
    data_bytes: int = setting(16384, "Size of the data cache; 0 for none.", low=0, high=1 << 24)
    data_ways: int = setting(4, "Its ways.", low=1, high=64)


@dataclass(frozen=True)
class Timing:
    """Timing of a board."""

    core: str = setting("m4", "Model of its core.", choices=tuple(CORES), required=True)
    memories: dict[str, MemoryTiming] = setting({}, "Memory of the board -> its waits.", required=True)
    level1: Level1 | None = setting(None, "Level-1 caches of the core.")
    core_error: float | None = setting(
        None, "Error of core cycles, in percent; null: that of the core's model.", above=0.0, below=100.0
    )
    error: float = setting(20.0, "Error of cycles with memory, in percent.", above=0.0, below=100.0)
    anchor: str = setting("", "Counts on silicon that the memories' numbers reproduce; empty: they are assumed.")

    @property
    def core_error_percent(self) -> float:
        return CORES[self.core].error if self.core_error is None else self.core_error

    @property
    def is_anchored(self) -> bool:
        return bool(self.anchor)


def timing_mistakes(timing: Timing, memories: Iterable[str], cpu: str, prefix: str = "") -> list[UserError]:
    """Return the contradictions between a board's timing, its memories and its core.

    Args:
        timing: The section.
        memories: Names of the board's memories; each needs a row.
        cpu: The board's `core`, e.g. "cortex-m4".
        prefix: Text before keys in messages.
    """
    errors = contradictions(timing, memories, cpu)
    errors += [UserError(f"{key} is missing", expected=SOURCE_EXPECTED) for key in without_source(timing)]
    return [UserError(f"{prefix}{error.what}", expected=error.expected, received=error.received) for error in errors]


def without_source(timing: Timing) -> list[str]:
    """Return the keys of sources that are empty."""
    sources = {f"timing.memories.{memory.name}.source": memory.source for memory in timing.memories.values()}
    if timing.level1:
        sources["timing.level1.source"] = timing.level1.source
    return [key for key, source in sources.items() if not source]


def contradictions(timing: Timing, memories: Iterable[str], cpu: str) -> list[UserError]:
    """Return the contradictions alone, with keys from `timing` on."""
    names = set(memories)
    errors = [
        UserError(f"timing.memories.{name} is no memory of the board", expected=" or ".join(sorted(names)))
        for name in timing.memories
        if name not in names
    ]
    errors += [
        UserError(f"timing.memories.{name} is missing", expected="how long it makes the core wait, or only a source")
        for name in sorted(names - set(timing.memories))
    ]
    core = CORES[timing.core]
    if core.cpu != cpu:
        errors.append(UserError("timing.core is another core than the board's", expected=cpu, received=core.cpu))
    if timing.level1 and not core.has_l1:
        errors.append(UserError(f"timing.level1: {core.cpu} has no level-1 caches"))
    if timing.error < timing.core_error_percent:
        received = f"{timing.error:g} and {timing.core_error_percent:g} %"
        errors.append(UserError("timing.error is less than that of the core alone", received=received))
    for memory in timing.memories.values():
        errors += memory_mistakes(memory, timing.level1 is not None)
    return errors


def memory_mistakes(memory: MemoryTiming, has_level1: bool) -> list[UserError]:
    """Return the contradictions between the numbers of one memory."""
    key = f"timing.memories.{memory.name}"
    checks = [
        (memory.cached and not has_level1, f"{key}.cached needs timing.level1"),
        (memory.cached and memory.instruction_lines + memory.data_lines > 0, f"{key} is cached and has its own lines"),
        (memory.shared and memory.data_lines > 0, f"{key}.shared leaves no data_lines of its own"),
        (memory.line & (memory.line - 1) != 0, f"{key}.line is no power of two"),
    ]
    ways = memory.ways or 1
    for name in ("instruction_lines", "data_lines"):
        checks.append((getattr(memory, name) % ways != 0, f"{key}.{name} is no multiple of its ways"))
    return [UserError(message) for is_wrong, message in checks if is_wrong]
