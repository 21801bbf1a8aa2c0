"""The location of every byte of RAM: states one after the other, everything else in an arena that is reused."""

from dataclasses import dataclass, field

from textzoo.compiler.ir.graph import Graph, Tensor
from textzoo.compiler.ir.program import Call, Program, Scratch

# What the widest kernels load at once; offsets are multiples of it.
ALIGNMENT = 16


@dataclass(eq=False)
class Block:
    """A part of the arena.

    Attributes:
        label: For the memory map.
        bytes: Its size.
        first: Index of the statement that writes it first; -1 for an input.
        last: Index of the last statement that needs it.
        offset: Its first byte.
    """

    label: str
    bytes: int
    first: int
    last: int
    offset: int = 0

    def meets(self, other: "Block") -> bool:
        """Return whether both are alive at the same time."""
        return self.first <= other.last and other.first <= self.last


@dataclass
class MemoryPlan:
    """The result.

    Attributes:
        arena_bytes: Size of the arena.
        state_bytes: Size of all states.
        blocks: The parts of the arena.
        offsets: id of a storage tensor or Scratch -> offset in the arena, or in the states.
        states: The state tensors in order.
    """

    arena_bytes: int = 0
    state_bytes: int = 0
    blocks: list[Block] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    states: list[Tensor] = field(default_factory=list)


def plan_memory(graph: Graph, program: Program) -> MemoryPlan:
    """Place every tensor that has memory of its own, and every kernel's scratch."""
    plan = MemoryPlan()
    for state in graph.states:
        plan.states.append(state.before)
        plan.offsets[id(state.before)] = plan.state_bytes
        plan.state_bytes += aligned(state.before.bytes)
    blocks = lifetimes(graph, program, {id(state.before) for state in graph.states})
    place(list(blocks.values()))
    plan.blocks = sorted(blocks.values(), key=lambda block: (block.first, block.offset))
    plan.offsets.update({key: block.offset for key, block in blocks.items()})
    plan.arena_bytes = max((block.offset + aligned(block.bytes) for block in plan.blocks), default=0)
    return plan


def aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def lifetimes(graph: Graph, program: Program, states: set[int]) -> dict[int, Block]:
    """Map the id of everything that lives in the arena to its block."""
    blocks: dict[int, Block] = {}
    end = len(program.statements)

    def use(tensor: Tensor, at: int) -> None:
        for storage in tensor.touched():
            if storage.is_constant or id(storage) in states:
                continue
            block = blocks.setdefault(id(storage), Block(storage.symbol, storage.bytes, at, at))
            block.last = max(block.last, at)

    for tensor in graph.inputs.values():
        use(tensor, -1)
    for index, statement in enumerate(program.statements):
        for tensor in (*statement.writes(), *statement.reads()):
            use(tensor, index)
        for scratch in filter(None, map(scratch_of, statement.calls())):
            blocks[id(scratch)] = Block(f"scratch of {statement.name}", scratch.bytes, index, index)
    for tensor in graph.kept():
        use(tensor, end)
    return blocks


def scratch_of(call: Call) -> Scratch | None:
    """Return the scratch that a call asks for, if it is not empty."""
    return call.scratch if call.scratch is not None and call.scratch.bytes > 0 else None


def place(blocks: list[Block]) -> None:
    """Place the largest first, each at the lowest offset where it meets no block that is alive at the same time."""
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda block: (-block.bytes, block.first)):
        neighbours = sorted((other for other in placed if other.meets(block)), key=lambda other: other.offset)
        block.offset = 0
        for other in neighbours:
            if block.offset + aligned(block.bytes) <= other.offset:
                break
            block.offset = max(block.offset, other.offset + aligned(other.bytes))
        placed.append(block)
