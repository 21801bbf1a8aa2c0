"""Which tensors may share memory: when each one is read, and when memory that others read is written again.

Every tensor is computed once, so memory is written a second time in one case only: an old state becomes the new one,
either where that is computed in the old one's memory, or at the end of the step, when new states are copied ("carried")
over old ones. A tensor may therefore be in memory that is not its own as long as no such write falls between the
moment it is computed and the last moment it is read. Passes ask; `verifier.py` checks what came out.

Time is counted in nodes of the graph: node 0, 1, ..., then the carrying of states, then reading from outside.
"""

from textzoo.compiler.ir.graph import Graph, Move, State, Tensor, View
from textzoo.compiler.ir.program import Compute, Loop
from textzoo.compiler.operators.registry import operator_of

BEFORE_ALL = -1


class Lifetimes:
    """When the tensors of a graph are computed and read, and when states are overwritten.

    Nodes and their operands must not change while it is in use; views may be added.

    Attributes:
        carrying: The time at which new states are copied over old ones.
        outside: The time at which outputs are read.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.carrying = len(graph.nodes)
        self.outside = self.carrying + 1
        self._computed = {id(output): time for time, node in enumerate(graph.nodes) for output in node.outputs}
        self._read = {id(operand): time for time, node in enumerate(graph.nodes) for operand in node.operands()}
        self._read |= {id(state.after): self.carrying for state in graph.states}
        self._read |= {id(tensor): self.outside for tensor in graph.outputs.values()}
        self._states = {id(state.before): state for state in graph.states}

    def computed(self, tensor: Tensor) -> int:
        """Return the time of the node that computes a tensor; -1 for inputs, old states and constants."""
        return self._computed.get(id(tensor), BEFORE_ALL)

    def last_read(self, tensor: Tensor) -> int:
        """Return the last time at which a tensor itself is read; views of it are read at times of their own."""
        return self._read.get(id(tensor), BEFORE_ALL)

    def overwritten(self, storage: Tensor) -> int | None:
        """Return the time from which memory holds something else than at the beginning; None if that never happens."""
        state = self._states.get(id(storage))
        if state is None:
            return None
        return self.computed(state.after) if same_location(state.after, state.before) else self.carrying

    def may_lie_in(self, tensor: Tensor, view: View) -> bool:
        """Return whether a tensor may be read in the memory of another one, instead of being copied there.

        What is seen from outside needs an address that is known when compiling, in memory that can be written. The
        indices that give its location must last as long as the tensor.
        """
        if self.graph.leaves(tensor) and (view.base.storage.is_constant or moves_of(view)):
            return False
        indices = [storage for move in moves_of(view) for storage in move.index.touched()]
        return self.lasts(tensor, view.base.storage) and all(self.lasts(tensor, index) for index in indices)

    def lasts(self, tensor: Tensor, storage: Tensor) -> bool:
        """Return whether memory keeps its values from when a tensor is computed until it is read for the last time.

        All new states are read before the first old one is overwritten (`lowering.carried_states`).
        """
        overwritten = self.overwritten(storage)
        if overwritten is None or self.computed(tensor) > overwritten:
            return True
        last = self.last_read(tensor)
        return last < overwritten or last == overwritten == self.carrying

    def may_be_computed_inside(self, tensor: Tensor) -> bool:
        """Return whether a tensor may be computed inside the memory of one that is made of it and computed later.

        Every part of that one is written by one tensor only, and nothing overwrites it.
        """
        has_own_memory = tensor.view is None and self.computed(tensor) != BEFORE_ALL
        return has_own_memory and not self.graph.leaves(tensor)

    def may_be_updated(self, state: State) -> bool:
        """Return whether a new state may be computed in the memory of the old one.

        Nothing may read the old one, or what is in it, afterwards; nor may what computes the new one, but for the
        elements that it replaces at that moment, or leaves as they are.
        """
        time = self.computed(state.after)
        if state.after.view is not None or time == BEFORE_ALL:
            return False
        aliases = [tensor for tensor in self.graph.tensors() if tensor.storage is state.before]
        read_late = any(self.last_read(tensor) > time for tensor in aliases)
        node = self.graph.nodes[time]
        read_meanwhile = [storage for part in operator_of(node).operands_apart(node) for storage in part.touched()]
        return not read_late and not any(storage is state.before for storage in read_meanwhile)


def same_location(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors begin at the same element of the same memory, wherever run-time indices put that."""
    return a.location() == b.location()


def moves_of(view: View) -> tuple[Move, ...]:
    """Return all run-time indices that decide the location of a view, those of its base included."""
    return (*view.base.location()[2], *view.moves)


def turns_are_independent(first: Loop, second: Loop) -> bool:
    """Return whether two loops, one after the other, may be one loop that does in each iteration what both do.

    That holds if no iteration needs, or overwrites, what another iteration of the other loop writes: memory that one
    of them writes must be touched by both in the same order, and must not hold an index that gives the location of the
    other one's elements.
    """
    if first.shape != second.shape:
        return False
    pairs = [(earlier, later) for earlier in first.body for later in second.body]
    return all(keeps_to_its_turn(*pair) and keeps_to_its_turn(*reversed(pair)) for pair in pairs)


def keeps_to_its_turn(writer: Compute, other: Compute) -> bool:
    """Return whether `other` touches what `writer` writes in the same iteration only."""
    target = writer.target
    touched = [*other.operands, other.target]
    indices = [storage for operand in touched for storage in operand.tensor.touched()[1:]]
    same_turn = all(not operand.overlaps(target) or operand.same_walk(target) for operand in touched)
    return same_turn and not any(storage is target.tensor.storage for storage in indices)
