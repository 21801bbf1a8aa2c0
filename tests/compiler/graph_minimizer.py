"""Makes a graph that fails smaller, as long as it fails in the same way."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from graph_benches import Bench
from graph_cases import GraphCase, without
from graph_judge import Outcome, Trial, Verdict, judge

from textzoo.compiler.passes.registry import TABLE
from textzoo.compiler.tflite.single_operator import Operation, Tensor

Fails = Callable[[Trial], bool]
Parts = Callable[[Trial], list]
Drop = Callable[[Trial, Sequence], Trial]


def minimized(trial: Trial, outcome: Outcome, bench: Bench, folder: Path, objects: Path) -> Trial:
    """The smallest trial that is found by leaving out some things after others."""

    def fails(other: Trial) -> bool:
        (found,) = judge([other], bench, folder, objects)
        is_alike = found.verdict is Verdict.MISMATCH or found.reason == outcome.reason
        return found.verdict is outcome.verdict and is_alike

    size = None
    while size != (size := size_of(trial)):
        for parts, drop in KINDS:
            trial = shrunk(trial, fails, parts, drop)
    return trial


def size_of(trial: Trial) -> tuple[int, ...]:
    return tuple(len(parts(trial)) for parts, _ in KINDS)


def shrunk(trial: Trial, fails: Fails, parts: Parts, drop: Drop) -> Trial:
    """The trial without the parts of one kind that it does not need to fail: halves of them first, then fewer."""
    group = len(parts(trial))
    while group:
        for start in range(0, len(left := parts(trial)), group):
            smaller = drop(trial, left[start : start + group])
            trial = smaller if smaller is not trial and fails(smaller) else trial
        group //= 2
    return trial


# ---- what can be left out ----


def outputs(trial: Trial) -> list[str]:
    return list(trial.case.outputs)


def without_outputs(trial: Trial, gone: Sequence[str]) -> Trial:
    left = {name: tensor for name, tensor in trial.case.outputs.items() if name not in gone}
    return with_case(trial, without(trial.case, outputs=left)) if left or trial.case.states else trial


def states(trial: Trial) -> list[str]:
    return list(trial.case.states)


def without_states(trial: Trial, gone: Sequence[str]) -> Trial:
    """What were states are inputs."""
    left = {name: pair for name, pair in trial.case.states.items() if name not in gone}
    return with_case(trial, without(trial.case, states=left)) if left or trial.case.outputs else trial


def operations(trial: Trial) -> list[Operation]:
    return trial.case.operations[::-1]


def without_operations(trial: Trial, gone: Sequence[Operation]) -> Trial:
    """What operations have computed become inputs."""
    left = [operation for operation in trial.case.operations if not any(operation is other for other in gone)]
    return with_case(trial, without(trial.case, operations=left)) if left else trial


def unused(trial: Trial) -> list[Operation]:
    """Operations of which no output and no state depends."""
    needed = set(trial.case.all_outputs().values())
    found = []
    for operation in trial.case.operations[::-1]:
        if needed & set(operation.outputs):
            needed |= {tensor for tensor in operation.inputs if tensor is not None}
        else:
            found.append(operation)
    return found


def names(trial: Trial) -> list[Tensor]:
    return list(trial.case.names)


def without_names(trial: Trial, gone: Sequence[Tensor]) -> Trial:
    left = {tensor: name for tensor, name in trial.case.names.items() if tensor not in gone}
    return replace(trial, case=replace(trial.case, names=left))


def passes(trial: Trial) -> list[str]:
    return [entry.name for entry in TABLE if entry.name not in trial.without]


def without_passes(trial: Trial, gone: Sequence[str]) -> Trial:
    return replace(trial, without=trial.without | set(gone))


KINDS: list[tuple[Parts, Drop]] = [
    (outputs, without_outputs),
    (unused, without_operations),
    (operations, without_operations),
    (states, without_states),
    (names, without_names),
    (passes, without_passes),
]


def with_case(trial: Trial, case: GraphCase) -> Trial:
    """The trial with a case of those inputs that its operations, outputs and states need."""
    given = {tensor for operation in case.operations for tensor in operation.outputs}
    given |= {before for before, _ in case.states.values()}
    read = [tensor for operation in case.operations for tensor in operation.inputs]
    needed = dict.fromkeys([*read, *case.all_outputs().values()])
    given |= {tensor for tensor in read if tensor is not None and tensor.is_variable}
    wanted = [tensor for tensor in needed if tensor is not None and tensor.data is None and tensor not in given]
    kept = {name: tensor for name, tensor in case.inputs.items() if tensor in wanted}
    missing = [tensor for tensor in wanted if tensor not in kept.values()]
    return replace(trial, case=without(case, inputs={**kept, **fresh_names(missing, {*kept, *case.states})}))


def fresh_names(tensors: list[Tensor], taken: set[str]) -> dict[str, Tensor]:
    numbers = (number for number in range(10**6) if f"given_{number}" not in taken)
    return {f"given_{number}": tensor for number, tensor in zip(numbers, tensors, strict=False)}
