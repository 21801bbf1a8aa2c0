"""Boards: their facts from conf/board/NAME.yaml, and whether a model fits them."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import require_file
from textzoo.common.paths import BOARD_FOLDER
from textzoo.common.registry import unknown_name
from textzoo.config.keys import build_section
from textzoo.config.schema import HardwareSetupConfig
from textzoo.targets.board_facts import wrong_characters

FLASH, RAM, EXTERNAL_FLASH = "flash", "ram", "external_flash"
MEMORY_KINDS = (FLASH, RAM, EXTERNAL_FLASH)
BOARD_IMAGE, TWIN_IMAGE, HOST_IMAGE = IMAGES = "board", "twin", "host"
# Bounds of facts, as `schema.setting` has them.
ADDRESS = {"low": 0, "below": 2**64}


@dataclass(frozen=True)
class Memory:
    """One memory of a chip.

    Attributes:
        kind: "flash" (where the image lives, even if that is RAM), "ram" or "external_flash".
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
    """The serial line: peripheral, pins ("PA9") and their alternate function where the project sets them up, baud."""

    instance: str = ""
    tx: str = ""
    rx: str = ""
    function: int = field(default=0, metadata={"low": 0, "high": 15})
    baud: int = field(default=115200, metadata={"low": 1, "high": 10**8})


@dataclass(frozen=True)
class Region:
    """A range of addresses of an emulated machine."""

    origin: int = field(metadata=ADDRESS)
    bytes: int = field(metadata={"low": 1, "below": 2**63})


@dataclass(frozen=True)
class Emulator:
    """A machine of QEMU, or this machine itself.

    Attributes:
        machine: Its name there.
        image: "board": runs the board's own image; "twin": the same sources linked for this machine; "host": for the
            machine that TextZoo runs on.
        note: What it is.
        serial: Which of the machine's serial lines the program uses.
        exits_by_reset: Whether the program ends by resetting the chip (a board's image), not by semihosting.
        code, constants, data: Where a twin's program, constants and RAM lie.
        uart_base: A CMSDK UART.
        timer_base: Its control register; timer_count: the register read; timer_counts_down; timer_hz: ticks a second.
    """

    name: str
    machine: str
    image: str = field(metadata={"choices": IMAGES})
    note: str = ""
    serial: int = field(default=0, metadata={"low": 0, "high": 15})
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
        return "this machine" if self.image == HOST_IMAGE else f"QEMU {self.machine}"


@dataclass(frozen=True)
class Board:
    """A board as its YAML describes it.

    Attributes:
        name: Its name in the configuration.
        title: The name on its box.
        platform: Key of `platforms.PLATFORMS`.
        family: Of the chip, as the platform knows it (`stm32.chips.FAMILIES`).
        core: Likewise (`stm32.chips.CORES`).
        variant: Kernels of the runtime: "generic", "cimv3", "dsp", "mve", "mul32" or "neon".
        clock_hz: The clock that the project sets up.
        cycles_per_instruction: Assumption for projections of time; `cycles_note` says on what ground.
        memories: In order of preference within a kind.
        flash: Tool -> arguments, {elf}, {bin} and {hex} standing for the files; in order of preference.
        boot: Switches and cables, in words.
        emulators: The first one is the default.
        power_supply: Of chips that must be told ("ldo", "smps").
        cores: That one program can use: 2 where its project has a tz_parallel for them.
    """

    name: str
    title: str
    platform: str
    family: str
    core: str
    variant: str
    clock_hz: int = field(metadata={"low": 1, "high": 10**10})
    cycles_per_instruction: float = field(metadata={"above": 0.0, "high": 100.0})
    cycles_note: str
    memories: tuple[Memory, ...]
    uart: Uart
    flash: dict[str, str]
    boot: str
    emulators: dict[str, Emulator] = field(default_factory=dict)
    power_supply: str = ""
    cores: int = field(default=1, metadata={"low": 1, "high": 2})

    def memory(self, kind: str) -> Memory | None:
        """The preferred memory of a kind."""
        return next((memory for memory in self.memories if memory.kind == kind), None)

    @property
    def rams(self) -> list[Memory]:
        return [memory for memory in self.memories if memory.kind == RAM]

    def data_memory(self, ram_bytes: int) -> Memory:
        """The first RAM that holds so many bytes in one piece, else the largest."""
        fitting = [memory for memory in self.rams if memory.bytes >= ram_bytes]
        return fitting[0] if fitting else max(self.rams, key=lambda memory: memory.bytes)

    def emulator(self, name: str | None = None) -> Emulator:
        """An emulator by name, or the default one."""
        if not self.emulators:
            raise UserError(f"the board {self.name} has no emulator")
        if name is None:
            return next(iter(self.emulators.values()))
        if name not in self.emulators:
            raise unknown_name(f"emulator of {self.name}", name, self.emulators)
        return self.emulators[name]


def board_names(folder: Path = BOARD_FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_board(name: str, folder: Path = BOARD_FOLDER) -> Board:
    """The board of conf/board/NAME.yaml; UserError for unknown names and for facts that are missing or wrong."""
    return board_from_facts(read_facts(name, folder), f"{folder / name}.yaml: ")


def board_of(setup: HardwareSetupConfig, folder: Path = BOARD_FOLDER) -> Board:
    """The board that a configuration means, with the facts that its user changed.

    `board=NAME` as an override of the key changes the name alone: the other facts then still come from the group that
    was chosen, and are another board's. The title tells.
    """
    facts = read_facts(setup.board, folder)
    changed = {key: value for key, value in dataclasses.asdict(setup).items() if value not in ("", None, {}, 0, 0.0)}
    if changed.get("title") == facts["title"]:
        facts = merge(facts, changed)
    return board_from_facts(facts, "deployment.hardware_setup.")


def read_facts(name: str, folder: Path) -> dict[str, Any]:
    """The YAML as nested values, on top of the board that it builds upon, as Hydra would compose it."""
    if name not in board_names(folder):
        raise unknown_name("board", name, board_names(folder))
    path = folder / f"{name}.yaml"
    require_file(path)
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    for base in facts.pop("defaults", []):
        if base != "_self_":
            facts = merge(read_facts(base, folder), facts)
    return facts


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` on top of `base`, section by section."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if nested else value
    return merged


def board_from_facts(facts: dict[str, Any], prefix: str) -> Board:
    """Nested values -> Board, everything checked, all mistakes raised at once; `prefix` stands before keys in them."""
    errors: list[UserError] = []
    memories = parts(Memory, facts.get("memories"), f"{prefix}memories", errors)
    emulators = parts(Emulator, facts.get("emulation"), f"{prefix}emulation", errors)
    rest = {key: value for key, value in facts.items() if key not in ("board", "memories", "emulation")}
    given = {"name": str(facts.get("board")), "memories": tuple(memories.values()), "emulators": emulators}
    board = build_section(Board, rest, prefix, errors, **given)
    errors += wrong_characters(board, prefix)
    if not errors:
        errors += missing_memories(board, prefix)
    raise_all(errors)
    return board


def parts(kind: type, values: Any, name: str, errors: list[UserError]) -> dict[str, Any]:
    """Name -> part, a dataclass with that name; mistakes are added to `errors`."""
    if not isinstance(values, dict):
        errors.append(UserError(f"wrong type of {name}", expected="a section", received=repr(values)))
        return {}
    return {
        str(key): build_section(kind, facts, f"{name}.{key}.", errors, name=str(key)) for key, facts in values.items()
    }


def missing_memories(board: Board, prefix: str) -> list[UserError]:
    return [
        UserError(f"{prefix}memories has no memory of kind {kind}", expected="both flash and ram")
        for kind in (FLASH, RAM)
        if board.memory(kind) is None
    ]


def check_second_core(board: Board | None, is_asked: bool) -> None:
    """UserError where a second core is asked for, and the board (None: this machine) has none for a program."""
    if is_asked and (board is None or board.cores < 2):
        two = [name for name in board_names() if load_board(name).cores > 1]
        raise UserError(
            "deployment.second_core=true needs two cores that a project can use",
            expected=f"one of {', '.join(two)}",
            received=f"{board.name}, which has one" if board else "this machine",
            remedy="Leave deployment.second_core at false, or take another board.",
        )


@dataclass(frozen=True)
class Budget:
    """What a board has to give and what is asked of it, in bytes.

    Attributes:
        flash: Part -> bytes, e.g. {"weights": 420000, "code": 20000}.
        ram: Part -> bytes, e.g. {"state": 98304, "arena": 3000, "stack": 2000}.
    """

    board: Board
    flash: dict[str, int]
    ram: dict[str, int]

    def rows(self) -> list[tuple[str, int, int]]:
        """(what, bytes needed, bytes there) for flash and for RAM."""
        flash = self.board.memory(FLASH)
        needed = sum(self.ram.values())
        data = self.board.data_memory(needed)
        return [
            (f"flash ({flash.name})", sum(self.flash.values()), flash.bytes),
            (f"RAM ({data.name})", needed, data.bytes),
        ]

    def table(self) -> list[str]:
        """The table as lines: every part, the sums, what is there and what is left."""
        lines = []
        for (what, needed, there), parts in zip(self.rows(), (self.flash, self.ram), strict=True):
            lines += [f"  {what + ': ' + name:32}{count:>14,}" for name, count in parts.items()]
            left = there - needed
            state = f"{left:,} left" if left >= 0 else f"{-left:,} TOO MANY"
            lines.append(f"  {what:32}{needed:>14,} of {there:,} bytes, {state}")
        return lines

    def check(self) -> None:
        """UserError with the table where something does not fit."""
        missing = [what for what, needed, there in self.rows() if needed > there]
        if missing:
            table = "\n".join(self.table())
            raise UserError(
                f"the model does not fit {self.board.name} ({self.board.title}): too much for {' and '.join(missing)}\n"
                f"{table}\n",
                remedy="Take a smaller model (d_model, n_layers, context_length), or a larger board "
                "(deployment.hardware_setup.board).",
            )
