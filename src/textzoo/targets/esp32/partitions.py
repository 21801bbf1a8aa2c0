"""The partition table of a project: the program, and the weights in a partition of their own."""

from dataclasses import dataclass

from textzoo.common.errors import UserError
from textzoo.targets.boards import FLASH, Board
from textzoo.targets.project import ModelSizes

# Pages of the flash's cache: what is mapped into memory, programs and weights, begins at a multiple of it.
PAGE = 0x10000
FIRST_OFFSET = 0x9000  # behind the second boot loader and the table itself
# Assumed for the framework's part of a program and ours; `idf.py size` says what it is.
PROGRAM_BYTES = 0x70000
WEIGHTS_SUBTYPE = "0x40"  # the first of those that are free for applications


@dataclass(frozen=True)
class Partition:
    """A row of partitions.csv."""

    name: str
    kind: str
    subtype: str
    offset: int
    bytes: int

    @property
    def end(self) -> int:
        return self.offset + self.bytes


def pages(size: int) -> int:
    """`size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def partitions_of(sizes: ModelSizes) -> list[Partition]:
    """The table for a model; its program's partition has room for the weights, too, where they are built in."""
    nvs = Partition("nvs", "data", "nvs", FIRST_OFFSET, 0x6000)
    phy = Partition("phy_init", "data", "phy", nvs.end, 0x1000)
    program = Partition("factory", "app", "factory", pages(phy.end), pages(PROGRAM_BYTES + sizes.weight_bytes))
    weights = Partition("weights", "data", WEIGHTS_SUBTYPE, program.end, pages(sizes.image_bytes))
    return [nvs, phy, program, weights]


def check_partitions(board: Board, sizes: ModelSizes) -> None:
    """UserError where the table does not fit the board's flash."""
    table, flash = partitions_of(sizes), board.memory(FLASH)
    if table[-1].end > flash.bytes:
        rows = "\n".join(f"  {row.name:10}{row.offset:>12,}{row.bytes:>12,} bytes" for row in table)
        raise UserError(
            f"the partitions do not fit the flash of {board.name}",
            expected=f"at most {flash.bytes:,} bytes",
            received=f"{table[-1].end:,} bytes:\n{rows}\n",
            remedy="Take a smaller model, or a board with more flash.",
        )
