"""Graphs with states, views and names of their own: what they are, and what LiteRT makes of them step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from operator_cases import RANGES, Random, draw_values

from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_named

Limits = tuple[int, int]
Named = dict[str, np.ndarray]


@dataclass
class GraphCase:
    """A graph with its interface.

    Attributes:
        operations: In the order of their computation.
        inputs: Name in the signature -> tensor, states left out.
        outputs: Name -> tensor, new states left out; the same tensor may have several names.
        states: Name -> tensors before and after a step; the file has them as <name> and new_<name>.
        names: Of tensors in the file, where they have names of their own.
        limits: Smallest and largest value of tensors that do not take every value of their type; inputs must not.
        counters: Inputs that count the steps since the last reset, up to their largest value.
        description: Of the file.
    """

    operations: list[Operation]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    states: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    names: dict[Tensor, str] = field(default_factory=dict)
    limits: dict[Tensor, Limits] = field(default_factory=dict)
    counters: set[str] = field(default_factory=set)
    description: str = ""

    def all_inputs(self) -> dict[str, Tensor]:
        return self.inputs | {name: before for name, (before, _) in self.states.items()}

    def all_outputs(self) -> dict[str, Tensor]:
        return self.outputs | {f"new_{name}": after for name, (_, after) in self.states.items()}

    def tensors(self) -> list[Tensor]:
        """Every tensor once, in the order of the file."""
        moved = [tensor for operation in self.operations for tensor in (*operation.inputs, *operation.outputs)]
        between = [tensor for operation in self.operations for tensor in operation.intermediates]
        everything = [*self.all_inputs().values(), *moved, *self.all_outputs().values(), *between]
        return list(dict.fromkeys(tensor for tensor in everything if tensor is not None))

    def variables(self) -> dict[str, Tensor]:
        """Name in the file -> tensor that keeps its values from step to step."""
        found = [tensor for tensor in self.tensors() if tensor.is_variable]
        return {f"variable_{place}": tensor for place, tensor in enumerate(found)}

    def all_names(self) -> dict[Tensor, str]:
        names = {tensor: self.names.get(tensor, f"t{place}") for place, tensor in enumerate(self.tensors())}
        return names | {tensor: name for name, tensor in self.variables().items()}

    def content(self) -> bytes:
        """The .tflite."""
        return build_named(self.operations, self.all_inputs(), self.all_outputs(), self.all_names(), self.description)

    def __str__(self) -> str:
        return "\n".join(self.describe())

    def describe(self) -> list[str]:
        """One line per node, state and output."""
        numbers = {tensor: f"t{place}" for place, tensor in enumerate(self.tensors())}
        lines = [operation_text(operation, numbers) for operation in self.operations]
        lines += [f"state {name}: {numbers[a]} -> {numbers[b]}" for name, (a, b) in self.states.items()]
        lines += [f"input {name}: {numbers[tensor]} {format_text(tensor)}" for name, tensor in self.inputs.items()]
        lines += [f"output {name}: {numbers[tensor]}" for name, tensor in self.outputs.items()]
        return lines + [f"name of {numbers[tensor]}: {name!r}" for tensor, name in self.names.items()]


def operation_text(operation: Operation, numbers: Mapping[Tensor, str]) -> str:
    """`t3 int8 2x4 = ADD(t1, t2) {}`, small constants written out."""
    operands = ", ".join("-" if tensor is None else operand_text(tensor, numbers) for tensor in operation.inputs)
    results = ", ".join(f"{numbers[tensor]} {format_text(tensor)}" for tensor in operation.outputs)
    return f"{results} = {operation.name}({operands}) {dict(operation.options) or ''}".rstrip()


def operand_text(tensor: Tensor, numbers: Mapping[Tensor, str]) -> str:
    if tensor.data is None:
        return numbers[tensor]
    size = int(np.prod(tensor.shape))
    return str(np.asarray(tensor.data).tolist()) if size <= 4 else f"{numbers[tensor]} constant {format_text(tensor)}"


def format_text(tensor: Tensor) -> str:
    scale = f" {tensor.scale:.4g}" if isinstance(tensor.scale, float) else ""
    zero_point = f" {tensor.zero_point:+d}" if isinstance(tensor.zero_point, int) and tensor.zero_point else ""
    return f"{tensor.dtype} {'x'.join(map(str, tensor.shape)) or 'scalar'}{scale}{zero_point}"


def graph_case(
    operations: Sequence[Operation],
    states: Mapping[Tensor, Tensor] | None = None,
    outputs: Sequence[Tensor] | None = None,
    **rest,
) -> GraphCase:
    """A graph whose interface has plain names.

    Args:
        operations: In the order of their computation.
        states: Tensors before a step -> after it.
        outputs: Where none are given: what is computed and neither read nor a state.
        rest: Other attributes of GraphCase.
    """
    states = states or {}
    read = dict.fromkeys(tensor for operation in operations for tensor in operation.inputs if tensor is not None)
    written = dict.fromkeys(tensor for operation in operations for tensor in operation.outputs)
    if outputs is None:
        outputs = [tensor for tensor in written if tensor not in read and tensor not in states.values()]
    seen = dict.fromkeys([*read, *outputs, *states.values()])
    given = [tensor for tensor in seen if tensor.data is None and tensor not in written and tensor not in states]
    given = [tensor for tensor in given if not tensor.is_variable]
    return GraphCase(
        list(operations),
        {tensor.name or f"input_{place}": tensor for place, tensor in enumerate(given)},
        {tensor.name or f"output_{place}": tensor for place, tensor in enumerate(outputs)},
        {f"state_{place}": pair for place, pair in enumerate(states.items())},
        **rest,
    )


@dataclass(frozen=True)
class Step:
    """What one step is given: values by the inputs' names, states left out; and whether the model forgets before it."""

    values: Named
    forgets: bool = False


def draw_steps(case: GraphCase, random: Random) -> list[Step]:
    """Six to ten steps of random values, edges among them, with a reset somewhere in the middle."""
    count, since = int(random.integers(6, 11)), 0
    reset = int(random.integers(3, count))
    steps = []
    for number in range(count):
        since = 0 if number == reset else since
        steps.append(Step(draw_inputs(case, random, since), number == reset))
        since += 1
    return steps


def draw_inputs(case: GraphCase, random: Random, since: int) -> Named:
    """Values of all inputs in the step number `since` after a reset."""
    values = {}
    for name, tensor in case.inputs.items():
        low, high = case.limits.get(tensor, RANGES.get(tensor.dtype, (0, 0)))
        if name in case.counters:
            values[name] = np.full(tensor.shape, min(since, high), tensor.dtype)
        else:
            values[name] = np.asarray(draw_values(random, tensor.shape, tensor.dtype, (low, high)))
    return values


def run_litert(case: GraphCase, content: bytes, steps: Sequence[Step], keeps: bool = True) -> list[Named]:
    """All outputs and new states after each step, by name, as LiteRT's reference kernels compute them.

    States are copied out of the model and into it again; they begin at their zero points.

    Args:
        case: What is run.
        content: Its file.
        steps: What it is given.
        keeps: Whether every tensor has memory of its own in LiteRT: then no kernel works in place.

    Raises:
        RuntimeError, ValueError: LiteRT refuses the graph or the values.
    """
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=keeps,
    )
    run = interpreter.get_signature_runner("main")
    places = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    variables = {f"new_{name}": places[name] for name in case.variables()}
    forgotten = {name: zeros(before) for name, (before, _) in case.states.items()}
    held, results = forgotten, []
    for step in steps:
        held = forgotten if step.forgets else held
        if step.forgets and variables:
            interpreter.reset_all_variables()
        results.append(run(**step.values, **held))
        results[-1] |= {name: interpreter.get_tensor(place) for name, place in variables.items()}
        check_shapes(case, results[-1])
        held = {name: results[-1][f"new_{name}"] for name in case.states}
    return results


def check_shapes(case: GraphCase, results: Named) -> None:
    """Raise ValueError where LiteRT makes another shape of something than the file says."""
    for name, tensor in case.all_outputs().items():
        if results[name].shape != tuple(tensor.shape):
            raise ValueError(f"{name} has the shape {results[name].shape} instead of {tuple(tensor.shape)}")


def zeros(tensor: Tensor) -> np.ndarray:
    """The real 0 of a state."""
    return np.full(tensor.shape, tensor.zero_point if isinstance(tensor.scale, float) else 0, tensor.dtype)


def without(case: GraphCase, **changes) -> GraphCase:
    """The case with other attributes, and only the names and limits of the tensors that are left."""
    changed = replace(case, **changes)
    left = set(changed.tensors())
    changed.names = {tensor: name for tensor, name in case.names.items() if tensor in left}
    changed.counters = case.counters & set(changed.inputs)
    return changed
