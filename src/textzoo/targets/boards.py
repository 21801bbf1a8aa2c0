"""Boards: the section of the configuration that describes one, and the check whether a model fits."""

from collections.abc import Collection
from dataclasses import dataclass, field

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.common.settings import setting
from textzoo.compiler.packing.tables import VARIANT_PLACES
from textzoo.targets.cycles.timing import Timing
from textzoo.targets.registry import HOST, PLATFORMS
from textzoo.targets.usb_adapters import KINDS

# Without those of this machine.
BOARD_PLATFORMS = tuple(name for name in PLATFORMS if name != HOST)
BOARD_VARIANTS = tuple(name for name in VARIANT_PLACES if name != HOST)
FLASH, RAM, EXTERNAL_FLASH = "flash", "ram", "external_flash"
MEMORY_KINDS = (FLASH, RAM, EXTERNAL_FLASH)
BOARD_IMAGE, EMULATED_IMAGE, TWIN_IMAGE, HOST_IMAGE = IMAGES = "board", "emulated", "twin", "host"
# Where the memories of a twin begin: at multiples of this, as the guard below the stack needs it.
MEMORY_ALIGNMENT = 1 << 16
# Bounds of addresses, as in `setting`.
ADDRESS = {"low": 0, "below": 2**64}
# Machines that are none of QEMU's.
OTHER_MACHINES = {HOST: "this machine", "node": "Node.js on this machine"}


@dataclass(frozen=True)
class Memory:
    """One memory of a chip.

    Attributes:
        kind: "flash" (the memory of the image, even if that is RAM), "ram" or "external_flash".
        origin: Address of its first byte.
        bytes: Its size.
    """

    name: str
    kind: str = field(metadata={"choices": MEMORY_KINDS})
    origin: int = field(metadata=ADDRESS)
    bytes: int = field(metadata={"low": 1, "below": 2**63})

    @property
    def writable(self) -> bool:
        return self.kind == RAM


@dataclass(frozen=True)
class Uart:
    """The serial line of a board."""

    instance: str = setting("", "Peripheral, e.g. USART2.")
    tx: str = setting("", "Transmit pin, e.g. PA2.")
    rx: str = setting("", "Receive pin.")
    function: int = setting(0, "Alternate function of the pins, if the project configures them.", low=0, high=15)
    baud: int = setting(115200, "Speed of the line, in baud.", low=1, high=10**8)


@dataclass(frozen=True)
class Led:
    """An LED of a board, which commands switch."""

    pin: str = setting("", "Its pin, e.g. PA5, GP25, P0.13 or GPIO2.")
    active_low: bool = setting(False, "Whether it shines while the pin is low.")
    ground: str = setting("", "Pin at its other end, which stays low (nrf52); empty for none.")


@dataclass(frozen=True)
class Region:
    """A range of addresses of an emulated machine."""

    origin: int = field(metadata=ADDRESS)
    bytes: int = field(metadata={"low": 1, "below": 2**63})


@dataclass(frozen=True)
class MovedMemory:
    """RAM of a board that an emulated machine has at another address."""

    name: str
    origin: int = field(metadata=ADDRESS)


@dataclass(frozen=True)
class Emulator:
    """A machine of QEMU, or a program that runs the image on this machine.

    Attributes:
        machine: QEMU's name of it, or a key of OTHER_MACHINES.
        image: The image that it runs. "board": the board's own; "emulated": the board's own, linked for `memories`;
            "twin": the same sources with another serial line and timer, linked for this emulated machine; "host": for
            the machine that TextZoo runs on.
        note: Description.
        serial: Index of the machine's serial line that the program uses.
        memories: RAM of the board that this machine has at another address (image "emulated").
        exits_by_reset: Whether the program ends by resetting the chip (a board's image), not by semihosting.
        code, constants, data: Memory of the program, its constants and its RAM, for image "twin".
        uart_base: Address of a CMSDK UART.
        timer_base: Address of the timer's control register; timer_count: of its counter; timer_counts_down: its
            direction; timer_hz: ticks per second.
    """

    name: str
    machine: str
    image: str = field(metadata={"choices": IMAGES})
    note: str = ""
    serial: int = field(default=0, metadata={"low": 0, "high": 15})
    memories: dict[str, MovedMemory] = field(default_factory=dict)
    exits_by_reset: bool = False
    code: Region | None = None
    constants: Region | None = None
    data: Region | None = None
    uart_base: int = field(default=0, metadata=ADDRESS)
    timer_base: int = field(default=0, metadata=ADDRESS)
    timer_count: int = field(default=0, metadata=ADDRESS)
    timer_counts_down: bool = False
    timer_hz: int = field(default=0, metadata={"low": 0, "high": 10**12})

    @property
    def title(self) -> str:
        return OTHER_MACHINES.get(self.machine, f"QEMU {self.machine}")


@dataclass(frozen=True)
class Board:
    """A board, as conf/board/NAME.yaml describes it; every fact can be overridden."""

    board: str = setting("STM32H7", "Name of the board.")
    title: str = setting("", "Full name of the board.", required=True)
    platform: str = setting("", "Kind of project.", choices=BOARD_PLATFORMS, required=True)
    family: str = setting("", "Family of the chip, e.g. stm32h7.", required=True)
    core: str = setting("", "Processor, e.g. cortex-m7.", required=True)
    variant: str = setting("", "Variant of the runtime's kernels.", choices=BOARD_VARIANTS, required=True)
    clock_hz: int = setting(0, "Clock that the project configures.", unit="Hz", low=1, high=10**10, required=True)
    timing: Timing | None = setting(
        None, "Core and waits of each memory, for the model of cycles; null for a board without one."
    )
    cycles_per_instruction: float | None = setting(
        None, "Assumption for estimates of time, on a board without `timing`.", above=0.0, high=100.0
    )
    cycles_note: str = setting("", "Basis of that assumption.")
    memories: dict[str, Memory] = setting(
        {},
        "Memory -> kind (flash, ram, external_flash), origin, bytes; in order of preference within a kind.",
        required=True,
    )
    uart: Uart = field(default_factory=Uart)
    serial_adapters: list[str] = setting(
        [], f"What can carry its serial line over USB, of {', '.join(KINDS)}; empty for any of them."
    )
    led: Led | None = setting(None, "An LED, which commands can switch (deployment.on_command); null for none.")
    flash: dict[str, str] = setting(
        {}, "Tool -> arguments that write an image to the board, with {elf}, {bin}, {hex} and {uf2} for the files."
    )
    boot: str = setting("", "Settings of switches and cables, for the README.")
    emulation: dict[str, Emulator] = setting({}, "Machine of QEMU -> facts; the first one is the default.")
    cloud: str = setting(
        "", "Name of the board, or of one with the same core, in ST's Developer Cloud; empty for none."
    )
    cores: int = setting(1, "Cores that a program can use.", low=1, high=2)
    power_supply: str = setting("", "Supply of the core, if the chip must know it.", choices=("", "ldo", "smps"))

    @property
    def name(self) -> str:
        return self.board

    def memory(self, kind: str) -> Memory | None:
        """Return the first memory of a kind, or None."""
        return next((memory for memory in self.memories.values() if memory.kind == kind), None)

    @property
    def rams(self) -> list[Memory]:
        return [memory for memory in self.memories.values() if memory.kind == RAM]

    def data_memory(self, ram_bytes: int) -> Memory:
        """Return the first RAM with at least so many contiguous bytes, else the largest."""
        fitting = [memory for memory in self.rams if memory.bytes >= ram_bytes]
        return fitting[0] if fitting else max(self.rams, key=lambda memory: memory.bytes)

    def emulator(self, name: str | None = None) -> Emulator:
        """Return an emulator by name, or the default one."""
        if not self.emulation:
            raise UserError(f"the board {self.name} has no emulator")
        if name is None:
            return next(iter(self.emulation.values()))
        if name not in self.emulation:
            raise unknown_name(f"emulator of {self.name}", name, self.emulation)
        return self.emulation[name]


def ram_addresses(board: Board, emulator: Emulator | None, data: Memory) -> dict[str, int]:
    """Return RAM of the board -> the address at which an image finds it.

    Args:
        board: The board.
        emulator: What runs the image; None for the board itself.
        data: The memory of the program's own data; in a twin it comes first, and the others behind it.
    """
    if emulator is None or emulator.image != TWIN_IMAGE:
        moved = emulator.memories if emulator else {}
        return {memory.name: moved.get(memory.name, memory).origin for memory in board.rams}
    addresses, next_address = {}, emulator.data.origin
    for memory in sorted(board.rams, key=lambda memory: memory is not data):
        addresses[memory.name] = next_address
        next_address += -(-memory.bytes // MEMORY_ALIGNMENT) * MEMORY_ALIGNMENT
    return addresses


def check_second_core(board: Board | None, is_asked: bool, with_two: Collection[str] = ()) -> None:
    """Raise UserError if a second core is requested, and the board (None: this machine) has none for a program.

    Args:
        board: The board.
        is_asked: deployment.second_core.
        with_two: Names of the boards that have two, for the message.
    """
    if is_asked and (board is None or board.cores < 2):
        raise UserError(
            "deployment.second_core=true needs two cores that a project can use",
            expected=f"one of {', '.join(with_two)}" if with_two else "a board with cores=2",
            received=f"{board.name}, which has one" if board else "this machine",
            remedy="Leave deployment.second_core at false, or use another board.",
        )


@dataclass(frozen=True)
class Budget:
    """Flash and RAM that a model needs, compared with a board's, in bytes.

    Attributes:
        flash: Part -> bytes, e.g. {"weights": 420000, "code": 20000}.
        ram: Part -> bytes, e.g. {"state": 98304, "arena": 3000, "stack": 2000}.
    """

    board: Board
    flash: dict[str, int]
    ram: dict[str, int]

    def rows(self) -> list[tuple[str, int, int]]:
        """Return (memory, bytes needed, bytes available) for flash and for RAM."""
        flash = self.board.memory(FLASH)
        needed = sum(self.ram.values())
        data = self.board.data_memory(needed)
        return [
            (f"flash ({flash.name})", sum(self.flash.values()), flash.bytes),
            (f"RAM ({data.name})", needed, data.bytes),
        ]

    def table(self) -> list[str]:
        """Return the lines of a table: every part, the sums, the available and the remaining bytes."""
        lines = []
        for (what, needed, there), parts in zip(self.rows(), (self.flash, self.ram), strict=True):
            lines += [f"  {what + ': ' + name:32}{count:>14,}" for name, count in parts.items()]
            left = there - needed
            state = f"{left:,} left" if left >= 0 else f"{-left:,} TOO MANY"
            lines.append(f"  {what:32}{needed:>14,} of {there:,} bytes, {state}")
        return lines

    def check(self) -> None:
        """Raise UserError with the table if something does not fit."""
        missing = [what for what, needed, there in self.rows() if needed > there]
        if missing:
            table = "\n".join(self.table())
            raise UserError(
                f"the model does not fit {self.board.name} ({self.board.title}): too much for {' and '.join(missing)}\n"
                f"{table}\n",
                remedy="Use a smaller model (d_model, n_layers, context_length), or a larger board "
                "(deployment.hardware_setup.board).",
            )
