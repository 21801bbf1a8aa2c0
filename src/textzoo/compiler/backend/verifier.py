"""Checks the final program of every compilation: each read sees the write that the graph says.

The program is run once with names instead of values (symbolic.py), at the very addresses of the memory plan, byte
by byte. What the graph says is computed without any memory: every tensor has its own names there. A statement whose
operands all hold the names of the tensors that it means leaves the names of what it computes; at the end, outputs and
states must hold theirs. So a view of memory that was overwritten, a part that was never written, two tensors at one
place, or states carried in the wrong order are found, whichever pass or plan they come from. Whether a kernel computes
its operator is not asked here: that is compared with LiteRT in the tests.
"""

from collections.abc import Iterable

import numpy as np

from textzoo.compiler.backend.planner import MemoryPlan, scratch_of
from textzoo.compiler.backend.symbolic import Choice, Names, Vocabulary, reach
from textzoo.compiler.ir.graph import Graph, Move, Node, Tensor
from textzoo.compiler.ir.program import Call, Compute, Loop, Operand, Program, Statement
from textzoo.compiler.operators.registry import operator_of

# A cell holds a byte of an element: the element's name times this, and the byte's number.
BYTES_PER_NAME = 16


class MiscompiledError(RuntimeError):
    """A program that does not compute what its graph says: a fault of TextZoo, found before any C is written."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the compiled program would give wrong integers: {what}. Nothing was written. Please report this with the "
            "model; until it is mended, `deployment.without_passes` leaves out one pass after the other"
        )


def verify(graph: Graph, program: Program, plan: MemoryPlan) -> None:
    """Raise MiscompiledError where a statement, an output or a state does not hold what the graph says."""
    machine = Machine(graph, plan)
    for statement in program.statements:
        machine.run(statement)
    for state in graph.states:
        machine.demand(state.before, machine.meanings.of(state.after), f"the state {state.name} at the end of a step")
    for name, tensor in graph.outputs.items():
        machine.demand(tensor, machine.meanings.of(tensor), f"the output {name}")


class Meanings:
    """The names of every tensor's elements, as the graph says, (size,) each.

    Attributes:
        computed: The ids of the tensors that kernels compute; all others only have elements of other tensors.
        between: The ids of memory between the statements of one node.
    """

    def __init__(self, graph: Graph) -> None:
        self.vocabulary = Vocabulary()
        self.names: dict[int, Names] = {}
        self.computed: set[int] = set()
        self.between: set[int] = set()
        for node in graph.nodes:
            self._add(node)

    def of(self, tensor: Tensor) -> Names:
        """Return a tensor's names; one that the graph lacks is a part of another one, or memory between statements."""
        if id(tensor) not in self.names and tensor.view is not None:
            start = tensor.view.offset
            return self.of(tensor.view.base)[start : start + tensor.size]
        if id(tensor) not in self.names:
            self.names[id(tensor)] = self.vocabulary.block(("tensor", id(tensor)), tensor.size)
        return self.names[id(tensor)]

    def learn(self, tensor: Tensor, offsets: np.ndarray, names: Names) -> None:
        """Remember what is written to memory between statements: that is its meaning."""
        if id(tensor) not in self.names and tensor.view is None:
            self.between.add(id(tensor))
        if id(tensor) in self.between:
            self.of(tensor)[offsets] = names

    def _add(self, node: Node) -> None:
        operator = operator_of(node)
        view, loops = operator.alias(node), operator.movement(node)
        if view is not None:
            candidates = self.of(view.base)[view.offset :]
            choices = self.choices(view.moves)
            self.names[id(node.output)] = self.vocabulary.chosen(candidates, choices, node.output.size)
            return
        for output in node.outputs:
            self.names[id(output)] = self.vocabulary.block(("tensor", id(output)), output.size)
        if not loops:
            self.computed.update(id(output) for output in node.outputs)
        for loop in loops:
            self._move(loop, node)

    def _move(self, loop: Loop, node: Node) -> None:
        """Put the elements that a loop copies into an output, or into a part of it that indices choose."""
        (compute,) = loop.body
        target, (source,) = compute.target, compute.operands
        whole, start, moves = target.tensor, 0, ()
        if not any(whole is output for output in node.outputs):
            whole, start, moves = whole.view.base, whole.view.offset, whole.view.moves
        choices, offsets = self.choices(moves), offsets_of(target, loop.shape)
        part = slice(start, start + reach(choices) + int(offsets.max()) + 1)
        names, new = self.names[id(whole)], self.of(source.tensor)[offsets_of(source, loop.shape)]
        names[part] = self.vocabulary.updated(names[part], choices, offsets, new)

    def choices(self, moves: Iterable[Move]) -> list[Choice]:
        """Return what run-time indices choose, as the graph says."""
        return [Choice(int(self.of(move.index)[move.element]), move.stride, move.limit) for move in moves]


class Machine:
    """The memory of a device during one step, with the names of what is there.

    Attributes:
        cells: One per byte of the states, then of the arena; 0 where nothing was written.
    """

    def __init__(self, graph: Graph, plan: MemoryPlan) -> None:
        self.meanings = Meanings(graph)
        self.plan = plan
        self.cells = np.zeros(plan.state_bytes + plan.arena_bytes, np.int64)
        self.states = {id(state.before) for state in graph.states}
        for tensor in (*graph.inputs.values(), *(state.before for state in graph.states)):
            self.write(tensor, np.arange(tensor.size), self.meanings.of(tensor), f"the input {tensor.name}")

    def run(self, statement: Statement) -> None:
        if isinstance(statement, Loop):
            self.run_loop(statement)
        for call in statement.calls():
            self.check_call(call)
        for call in statement.calls():
            for output in call.outputs:
                self.write(output, np.arange(output.size), self.meanings.of(output), call.name)

    # ---- loops ----

    def run_loop(self, loop: Loop) -> None:
        """Run all iterations of one computation after those of another: the same where iterations are independent."""
        self.check_turns(loop)
        values: list[Names] = []
        for compute in loop.body:
            operands = [self.operand_names(operand, loop, values) for operand in compute.operands]
            tensor, offsets = compute.target.tensor, offsets_of(compute.target, loop.shape)
            values.append(operands[0] if self.only_moves(compute) else self.meanings.of(tensor)[offsets])
            self.meanings.learn(tensor, offsets, values[-1])
            if compute.stored:
                self.write(tensor, offsets, values[-1], loop.name)

    def operand_names(self, operand: Operand, loop: Loop, values: list[Names]) -> Names:
        """Return what an operand holds in every iteration: what the graph says, or else raise MiscompiledError."""
        tensor, offsets = operand.tensor, offsets_of(operand, loop.shape)
        found = self.read(tensor, offsets, loop.name) if operand.is_memory else values[operand.value_of]
        if not np.array_equal(found, self.meanings.of(tensor)[offsets]):
            raise MiscompiledError(f"{loop.name} would read something else than {tensor.name}")
        return found

    def only_moves(self, compute: Compute) -> bool:
        """Return whether a computation leaves its operand as it is."""
        target = compute.target.tensor
        copies = compute.function == "" and compute.operands[0].tensor.dtype == target.dtype
        return copies and id(target) not in self.meanings.computed

    def check_turns(self, loop: Loop) -> None:
        """Raise MiscompiledError where an iteration touches what another one writes."""
        targets = [compute.target for compute in loop.body if compute.stored]
        operands = [operand for compute in loop.body for operand in compute.operands if operand.is_memory]
        indices = [self.index_addresses(operand.tensor) for operand in (*targets, *operands)]
        for number, target in enumerate(targets):
            written = self.touched(target, loop)
            others = [self.touched(other, loop) for other in (*targets[:number], *operands)]
            if not is_once_each(written) or any(meet(written, other) for other in (*others, *indices)):
                raise MiscompiledError(f"iterations of {loop.name} would disturb each other")

    def touched(self, operand: Operand, loop: Loop) -> np.ndarray:
        """Return the addresses that each iteration may touch, (iterations, n)."""
        storage, offset, moves = operand.tensor.location()
        if storage.is_constant:
            return np.zeros((0, 0), np.int64)
        first = self.address(storage) + (offset + offsets_of(operand, loop.shape)) * storage.dtype.itemsize
        steps = np.arange(storage.dtype.itemsize)
        for move in moves:
            way = np.arange(move.limit + 1) * move.stride * storage.dtype.itemsize
            steps = (way[:, None] + steps).ravel()
        return first[:, None] + steps

    def index_addresses(self, tensor: Tensor) -> np.ndarray:
        """Return the addresses of the indices that every iteration reads to find a tensor, (1, n)."""
        storages = [storage for storage in tensor.touched()[1:] if not storage.is_constant]
        ranges = [np.arange(storage.bytes) + self.address(storage) for storage in storages]
        return np.concatenate([np.zeros(0, np.int64), *ranges])[None, :]

    # ---- calls ----

    def check_call(self, call: Call) -> None:
        """Raise MiscompiledError where a kernel does not find its inputs, or writes into what it reads."""
        inputs = [tensor for tensor in call.reads() if not tensor.is_constant]  # nothing writes into constants
        for tensor in inputs:
            self.demand(tensor, self.meanings.of(tensor), f"{tensor.name} for {call.name}")
        read = [self.extent(tensor) for tensor in inputs if not tensor.storage.is_constant]
        written = [self.extent(tensor) for tensor in call.outputs]
        scratch = scratch_of(call)
        if scratch is not None:
            start = self.plan.state_bytes + self.plan.offsets[id(scratch)]
            written.append((start, start + scratch.bytes))
        clash = any(overlap(one, other) for number, one in enumerate(written) for other in [*written[:number], *read])
        if clash:
            raise MiscompiledError(f"{call.name} would write into what it reads")
        for start, end in written:
            self.cells[start:end] = 0

    def extent(self, tensor: Tensor) -> tuple[int, int]:
        """Return the first address that a tensor may touch, and the one behind the last."""
        storage, offset, moves = tensor.location()
        last = offset + sum(move.stride * move.limit for move in moves) + tensor.size
        start, size = self.address(storage), storage.dtype.itemsize
        return start + offset * size, start + last * size

    # ---- memory ----

    def demand(self, tensor: Tensor, names: Names, what: str) -> None:
        """Raise MiscompiledError where the memory of a tensor does not hold the names."""
        if not np.array_equal(self.read(tensor, np.arange(tensor.size), what), names):
            raise MiscompiledError(f"{what} would hold something else")

    def read(self, tensor: Tensor, offsets: np.ndarray, what: str) -> Names:
        """Return the names at some elements of a tensor."""
        storage, offset, moves = tensor.location()
        if not moves:
            return self.elements(storage, offset + offsets, what)
        choices, count = self.choices(moves, what), int(offsets.max()) + 1
        candidates = self.elements(storage, offset + np.arange(reach(choices) + count), what)
        return self.meanings.vocabulary.chosen(candidates, choices, count)[offsets]

    def write(self, tensor: Tensor, offsets: np.ndarray, names: Names, what: str) -> None:
        """Put names at some elements of a tensor."""
        storage, offset, moves = tensor.location()
        if storage.is_constant:
            raise MiscompiledError(f"{what} would write into the constant {storage.name}")
        choices = self.choices(moves, what)
        reached = offset + (np.arange(reach(choices) + int(offsets.max()) + 1) if choices else offsets)
        if choices:
            names = self.meanings.vocabulary.updated(self.elements(storage, reached, what), choices, offsets, names)
        self.cells[self.addresses(storage, reached, what)] = names[:, None] * BYTES_PER_NAME + byte_numbers(storage)

    def choices(self, moves: Iterable[Move], what: str) -> list[Choice]:
        """Return what run-time indices choose, as memory holds them now."""
        return [
            Choice(int(self.read(move.index, np.array([move.element]), what)[0]), move.stride, move.limit)
            for move in moves
        ]

    def elements(self, storage: Tensor, offsets: np.ndarray, what: str) -> Names:
        """Return the names at elements of memory; 0 where bytes of different elements are."""
        if storage.is_constant:
            return self.meanings.of(storage)[offsets]
        cells = self.cells[self.addresses(storage, offsets, what)]
        names = cells[:, 0] // BYTES_PER_NAME
        whole = (cells == names[:, None] * BYTES_PER_NAME + byte_numbers(storage)).all(axis=1)
        return np.where(whole, names, 0)

    def addresses(self, storage: Tensor, offsets: np.ndarray, what: str) -> np.ndarray:
        """Return the addresses of elements, all of which must be inside the storage: (n, bytes per element)."""
        if offsets.size and not 0 <= offsets.min() <= offsets.max() < storage.size:
            raise MiscompiledError(f"{what} would leave the memory of {storage.name}")
        return self.address(storage) + offsets[:, None] * storage.dtype.itemsize + byte_numbers(storage)

    def address(self, storage: Tensor) -> int:
        """Return the address at which memory begins: states first, then the arena."""
        start = 0 if id(storage) in self.states else self.plan.state_bytes
        return start + self.plan.offsets[id(storage)]


def byte_numbers(storage: Tensor) -> np.ndarray:
    return np.arange(storage.dtype.itemsize)


def offsets_of(operand: Operand, shape: tuple[int, ...]) -> np.ndarray:
    """Return the elements of its tensor that an operand touches in each iteration, (iterations,)."""
    offsets = np.array(operand.offset)
    for size, stride in zip(shape, operand.strides, strict=True):
        offsets = np.add.outer(offsets, np.arange(size) * stride)
    return offsets.ravel()


def is_once_each(addresses: np.ndarray) -> bool:
    """Return whether no address is touched in two iterations; what indices choose is the same choice for all."""
    return addresses.size == 0 or len(np.unique(addresses[:, 0])) == len(addresses)


def meet(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether iterations touch addresses of others: not where both touch the same in the same order."""
    if a.size == 0 or b.size == 0 or a.max() < b.min() or b.max() < a.min() or np.array_equal(a, b):
        return False
    return bool(np.intersect1d(a, b).size)


def overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
