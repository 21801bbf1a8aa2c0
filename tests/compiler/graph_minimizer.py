"""Makes a graph that fails smaller, as long as it fails in the same way."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from graph_benches import Bench
from graph_cases import GraphCase, without
from graph_judge import Outcome, Trial, Verdict, judge

from textzoo.compiler.passes.registry import TABLE
from textzoo.compiler.single_op import Operation, Tensor

Fails = Callable[[Trial], bool]


def minimized(trial: Trial, outcome: Outcome, bench: Bench, folder: Path, objects: Path) -> Trial:
    """The smallest trial that is found by leaving out one thing after the other."""

    def fails(other: Trial) -> bool:
        (found,) = judge([other], bench, folder, objects)
        is_alike = found.verdict is Verdict.MISMATCH or found.reason == outcome.reason
        return found.verdict is outcome.verdict and is_alike

    while True:
        smaller = next((other for other in simpler_trials(trial) if fails(other)), None)
        if smaller is None:
            return trial
        trial = smaller


def simpler_trials(trial: Trial) -> Iterator[Trial]:
    """What may be left out, the largest parts first."""
    for case in simpler_cases(trial.case):
        yield replace(trial, case=case)
    names = [entry.name for entry in TABLE]
    for name in names:
        if name not in trial.without:
            yield replace(trial, without=trial.without | {name})


def simpler_cases(case: GraphCase) -> Iterator[GraphCase]:
    used = used_operations(case)
    if len(used) < len(case.operations):
        yield without(case, operations=used)
    for name in case.outputs:
        yield without(case, outputs={other: tensor for other, tensor in case.outputs.items() if other != name})
    for name in case.states:
        yield stateless(case, name)
    for operation in reversed(case.operations):
        if len(case.operations) > 1:
            yield without_operation(case, operation)
    if case.names:
        yield replace(case, names={})
        for tensor in case.names:
            yield replace(case, names={other: name for other, name in case.names.items() if other is not tensor})
    if case.description:
        yield replace(case, description="")


def used_operations(case: GraphCase) -> list[Operation]:
    """Those of which an output or a state depends."""
    needed = set(case.all_outputs().values())
    used = []
    for operation in reversed(case.operations):
        if needed & set(operation.outputs):
            needed |= {tensor for tensor in operation.inputs if tensor is not None}
            used.append(operation)
    return used[::-1]


def stateless(case: GraphCase, name: str) -> GraphCase:
    """What was a state is an input."""
    states = {other: pair for other, pair in case.states.items() if other != name}
    return with_inputs(without(case, states=states))


def without_operation(case: GraphCase, gone: Operation) -> GraphCase:
    """What an operation has computed becomes inputs."""
    return with_inputs(without(case, operations=[other for other in case.operations if other is not gone]))


def with_inputs(case: GraphCase) -> GraphCase:
    """The case with those inputs that its operations, outputs and states need."""
    given = {tensor for operation in case.operations for tensor in operation.outputs}
    given |= {before for before, _ in case.states.values()}
    read = [tensor for operation in case.operations for tensor in operation.inputs]
    needed = [*read, *case.all_outputs().values()]
    wanted = {tensor for tensor in needed if tensor is not None and tensor.data is None and tensor not in given}
    kept = {name: tensor for name, tensor in case.inputs.items() if tensor in wanted}
    missing = sorted(wanted - set(kept.values()), key=case.tensors().index)
    return without(case, inputs={**kept, **fresh_names(missing, {*kept, *case.states})})


def fresh_names(tensors: list[Tensor], taken: set[str]) -> dict[str, Tensor]:
    numbers = (number for number in range(10**6) if f"given_{number}" not in taken)
    return {f"given_{number}": tensor for number, tensor in zip(numbers, tensors, strict=False)}
