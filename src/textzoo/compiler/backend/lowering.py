"""From a graph to a program: every node becomes statements, in order."""

from dataclasses import replace

from textzoo.compiler.ir.graph import Graph, State, Tensor
from textzoo.compiler.ir.program import Compute, Loop, Program, Statement
from textzoo.compiler.operators.aliases import same_location
from textzoo.compiler.operators.base import Target
from textzoo.compiler.operators.movement import whole
from textzoo.compiler.operators.registry import operator_of


def lower(graph: Graph, target: Target) -> Program:
    """Return the statements of all nodes, then the copies of those states that are not updated in place."""
    statements = [statement for node in graph.nodes for statement in operator_of(node).lower(node, target)]
    return Program(statements + carried_states(graph))


def carried_states(graph: Graph) -> list[Statement]:
    """Return the copies of new states to where the next step reads them, as if all were made at the same time.

    A new state may be in the memory of an old one that another copy overwrites: it is copied before that. Where states
    take each other's memory in a circle, one of them is put aside.
    """
    waiting = [state for state in graph.states if not same_location(state.after, state.before)]
    statements: list[Statement] = []
    while waiting:
        read = [id(state.after.storage) for state in waiting]
        free = next((state for state in waiting if is_read_by_itself_only(state, read)), None)
        if free is None:
            aside = put_aside(waiting[0])
            statements.append(copy(waiting[0].after, aside.after, f"put {aside.name} aside"))
            waiting[0] = aside
        else:
            statements.append(carry(free))
            waiting.remove(free)
    return statements


def is_read_by_itself_only(state: State, read: list[int]) -> bool:
    """Return whether no other waiting state lies in the memory that this one's copy overwrites."""
    return read.count(id(state.before)) == (state.after.storage is state.before)


def put_aside(state: State) -> State:
    """Copy a state so that its new value has memory of its own."""
    after = state.after
    own = Tensor(f"{after.name} aside", f"{after.symbol}_aside", after.shape, after.dtype)
    return replace(state, after=own)


def carry(state: State) -> Statement:
    """Copy a new state to where the next step reads it."""
    return copy(state.after, state.before, f"carry {state.name}")


def copy(source: Tensor, target: Tensor, name: str) -> Statement:
    return Loop("COPY", name, source.shape, [Compute(whole(target), "", [whole(source)])])
