"""Loops over the same elements become one loop: what the first computes stays in a register for the second."""

from dataclasses import replace

from textzoo.compiler.ir.graph import Graph
from textzoo.compiler.ir.program import Compute, Loop, Operand, Program, Statement, straightened
from textzoo.compiler.operators.aliases import turns_are_independent


def run(graph: Graph, program: Program) -> None:
    merged: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Loop):
            statement = straightened(statement)
        previous = merged[-1] if merged else None
        if isinstance(previous, Loop) and isinstance(statement, Loop) and turns_are_independent(previous, statement):
            previous.body += statement.body
            previous.name = statement.name
            previous.kind = " ".join(dict.fromkeys(f"{previous.kind} {statement.kind}".split()))
        else:
            merged.append(statement)
    program.statements = merged
    take_values(program)
    drop_unread_stores(program, kept_memory(graph))


def take_values(program: Program) -> None:
    """Let loops take values that the same iteration has computed, the last one where there are several."""
    for loop in program.loops():
        for number, compute in enumerate(loop.body):
            compute.operands = [taken(operand, loop.body[:number]) for operand in compute.operands]


def taken(operand: Operand, earlier: list[Compute]) -> Operand:
    """Replace an operand by the value of an earlier computation of the same iteration, if that is what it reads."""
    numbers = [number for number, compute in enumerate(earlier) if compute.target.same_walk(operand)]
    return replace(operand, value_of=numbers[-1]) if numbers else operand


def kept_memory(graph: Graph) -> set[int]:
    """Return the ids of memory that is read after the last statement."""
    return {id(tensor.storage) for tensor in (*graph.kept(), *(state.before for state in graph.states))}


def drop_unread_stores(program: Program, kept: set[int]) -> None:
    """Leave out stores of values that only later computations of the same iteration take."""
    needed = kept.union(*(read_by(statement) for statement in program.statements))
    for loop in program.loops():
        taken = {operand.value_of for compute in loop.body for operand in compute.operands}
        for number, compute in enumerate(loop.body):
            compute.stored = id(compute.target.tensor.storage) in needed or number not in taken


def read_by(statement: Statement) -> set[int]:
    """Return the ids of the memory that a statement reads: operands, their indices, and the indices of targets."""
    operands = {id(storage) for tensor in statement.reads() for storage in tensor.touched()}
    return operands | {id(index) for tensor in statement.writes() for index in tensor.touched()[1:]}
