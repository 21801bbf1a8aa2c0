"""Placement: which constants are copied at the start into memory that makes the core wait less than the flash.

A decode step reads every matrix once, so that each of their bytes saves the same wait: what fits is copied, into the
fastest memory first, and of the constants the largest first. Kernels for cores with level-1 caches ask for the lines of
matrices ahead of time (PLD), so that a byte of a small table waits longer there: on these the smallest is first.
What is read a row at a time (a table of embeddings) or hardly ever stays in the flash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from textzoo.targets.boards import FLASH, Board
from textzoo.targets.cycles.timing import MemoryTiming, Timing

AUTO, IN_FLASH = PLACEMENTS = "auto", "flash"
# No constant needs a larger alignment.
ALIGNMENT = 8


@dataclass(frozen=True)
class Copied:
    """The constants that one memory holds copies of.

    Attributes:
        symbols: Their names in C.
        bytes: What they take there, aligned.
    """

    symbols: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Placement:
    """Memory of the board -> what is copied there at the start; empty: everything is read from the flash."""

    copies: dict[str, Copied] = field(default_factory=dict)

    @property
    def bytes_by_memory(self) -> dict[str, int]:
        return {memory: copied.bytes for memory, copied in self.copies.items()}

    @property
    def symbols(self) -> list[str]:
        """Names in C of all constants that are copied."""
        return [symbol for copied in self.copies.values() for symbol in copied.symbols]

    @property
    def symbols_by_region(self) -> dict[str, tuple[str, ...]]:
        """Region of a linker script -> names in C of what it holds copies of, for the template of placement.ld."""
        return {copies_region(memory): copied.symbols for memory, copied in self.copies.items()}

    def bytes_in(self, memory: str) -> int:
        return self.bytes_by_memory.get(memory, 0)


def copies_region(memory: str) -> str:
    """Return the linker script's name of the part of a memory that holds copies."""
    return f"{memory}_WEIGHTS"


def place(board: Board, constants: Sequence[tuple[str, int]], ram_bytes: int) -> Placement:
    """Choose what is copied on a board whose timing is known; without timing nothing is.

    Args:
        board: The board.
        constants: (symbol, bytes) of what a step reads at least once, in order of use.
        ram_bytes: RAM that the program itself needs, in `board.data_memory(ram_bytes)`.
    """
    smallest_first = board.timing is not None and board.timing.level1 is not None
    left, copies = list(constants), {}
    for memory, room in rooms(board, ram_bytes):
        chosen, used = filled(left, room, smallest_first)
        if chosen:
            copies[memory] = Copied(tuple(symbol for symbol, _ in chosen), used)
            left = [constant for constant in left if constant not in chosen]
    return Placement(copies)


def rooms(board: Board, ram_bytes: int) -> list[tuple[str, int]]:
    """Return (memory, bytes left) of each RAM that waits less than the flash, the fastest first."""
    if board.timing is None:
        return []
    data = board.data_memory(ram_bytes)
    left = {memory.name: memory.bytes - (ram_bytes if memory is data else 0) for memory in board.rams}
    waits = {name: wait(board.timing, name) for name in left}
    faster = [name for name in left if waits[name] < wait(board.timing, board.memory(FLASH).name)]
    return [(name, left[name]) for name in sorted(faster, key=waits.get) if left[name] > 0]


def wait(timing: Timing, memory: str) -> float:
    """Return the cycles that a byte of a memory costs when it is read in order; 0 for one that has no waits."""
    found: MemoryTiming = timing.memories[memory]
    line = timing.level1.line if found.cached and timing.level1 else found.line
    return found.stall / line


def filled(constants: Sequence[tuple[str, int]], room: int, smallest_first: bool) -> tuple[list[tuple[str, int]], int]:
    """Return the constants that fit a memory, chosen by size, in order of use; and the bytes that they take."""
    chosen, used = set(), 0
    for constant in sorted(constants, key=lambda constant: constant[1], reverse=not smallest_first):
        size = -(-constant[1] // ALIGNMENT) * ALIGNMENT
        if used + size <= room:
            chosen.add(constant)
            used += size
    return [constant for constant in constants if constant in chosen], used
