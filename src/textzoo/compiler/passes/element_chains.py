"""Loops over the same elements become one loop: what the first computes stays in a register for the second."""

from textzoo.compiler.graph import Graph
from textzoo.compiler.program import Loop, Operand, Program, Statement, straightened


def run(graph: Graph, program: Program) -> None:
    kept = {id(tensor.storage) for tensor in graph.kept()}
    merged: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Loop):
            statement = straightened(statement)
        previous = merged[-1] if merged else None
        if isinstance(previous, Loop) and isinstance(statement, Loop) and may_join(previous, statement):
            previous.body += statement.body
            previous.name = statement.name
            previous.kind = " ".join(dict.fromkeys(f"{previous.kind} {statement.kind}".split()))
        else:
            merged.append(statement)
    program.statements = merged
    drop_unread_stores(program, kept)


def may_join(first: Loop, second: Loop) -> bool:
    """Whether each turn of the second loop needs only what the same turn of the first has computed.

    Everything that the second reads or writes of the first loop's targets, and writes of what the first reads, must be
    touched in the same order: then no turn can see what a later turn of the other loop would have left.
    """
    if first.shape != second.shape:
        return False
    written = [compute.target for compute in first.body]
    read = [operand for compute in first.body for operand in compute.operands]
    for compute in second.body:
        for operand in (*compute.operands, compute.target):
            if any(operand.overlaps(target) and not operand.same_walk(target) for target in written):
                return False
        if any(compute.target.overlaps(operand) and not compute.target.same_walk(operand) for operand in read):
            return False
    indices = {id(tensor) for operand in operands_of(second) for tensor in operand.tensor.touched()[1:]}
    return not any(id(target.tensor.storage) in indices for target in written)


def operands_of(loop: Loop) -> list[Operand]:
    """Everything that a loop reads or writes."""
    return [operand for compute in loop.body for operand in (*compute.operands, compute.target)]


def drop_unread_stores(program: Program, kept: set[int]) -> None:
    """Values that only the rest of the same loop reads are not written to memory."""
    for index, loop in enumerate(program.statements):
        if not isinstance(loop, Loop):
            continue
        elsewhere = {
            id(storage)
            for number, statement in enumerate(program.statements)
            if number != index
            for tensor in statement.reads()
            for storage in tensor.touched()
        }
        for place, compute in enumerate(loop.body):
            storage = compute.target.tensor.storage
            readers = [operand for later in loop.body[place + 1 :] for operand in later.operands]
            same = [operand.same_walk(compute.target) for operand in readers if operand.overlaps(compute.target)]
            compute.stored = id(storage) in kept or id(storage) in elsewhere or not same or not all(same)
