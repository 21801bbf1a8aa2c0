"""The partition table of a project: the program, and a separate partition for the weights."""

from dataclasses import dataclass

from textzoo.common.errors import UserError
from textzoo.targets.boards import FLASH, Board
from textzoo.targets.project import ModelSizes

# Page size of the flash cache: partitions that are mapped into memory (program, weights) begin at a multiple of it.
PAGE = 0x10000
FIRST_OFFSET = 0x9000  # after the second-stage boot loader and the partition table
# Assumed size of a program without weights, ESP-IDF included; `idf.py size` gives the exact one.
PROGRAM_BYTES = 0x70000
WEIGHTS_SUBTYPE = "0x40"  # the first subtype that ESP-IDF leaves to applications


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
    """Return `size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def partitions_of(sizes: ModelSizes) -> list[Partition]:
    """Return the table for a model; the program's partition can hold the weights, too, if they are linked in."""
    nvs = Partition("nvs", "data", "nvs", FIRST_OFFSET, 0x6000)
    phy = Partition("phy_init", "data", "phy", nvs.end, 0x1000)
    program = Partition("factory", "app", "factory", pages(phy.end), pages(PROGRAM_BYTES + sizes.weight_bytes))
    weights = Partition("weights", "data", WEIGHTS_SUBTYPE, program.end, pages(sizes.image_bytes))
    return [nvs, phy, program, weights]


def check_partitions(board: Board, sizes: ModelSizes) -> None:
    """Raise UserError if the table does not fit the board's flash."""
    table, flash = partitions_of(sizes), board.memory(FLASH)
    if table[-1].end > flash.bytes:
        rows = "\n".join(f"  {row.name:10}{row.offset:>12,}{row.bytes:>12,} bytes" for row in table)
        raise UserError(
            f"the partitions do not fit the flash of {board.name}",
            expected=f"at most {flash.bytes:,} bytes",
            received=f"{table[-1].end:,} bytes:\n{rows}\n",
            remedy="Use a smaller model, or a board with more flash.",
        )
