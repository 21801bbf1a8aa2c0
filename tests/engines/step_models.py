"""Small decode steps whose states and outputs lie in the same tensors, or in each other's memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all, build_step, constant, run_reference

Values = dict[str, np.ndarray]
VOCABULARY = 5
CONTEXT = 16
SCALES = {"float32": (), "int8": 0.25, "int16": 0.25}
ZERO_POINTS = {"float32": 0, "int8": -3, "int16": 0}


@dataclass
class StepModel:
    """A decode step in parts.

    Attributes:
        operations: In the order of their computation.
        inputs: Name -> tensor.
        outputs: Name -> tensor.
    """

    operations: Sequence[Operation]
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    def content(self) -> bytes:
        return build_step(self.operations, self.inputs, self.outputs, CONTEXT)

    def steps(self, tokens: Sequence[int]) -> Iterator[np.ndarray]:
        """The logits of each step, (vocabulary,), every operator by LiteRT in a file of its own.

        So no tensor can lie in another one's memory, and states are plain arrays of Python.
        """
        names = [name for name in self.inputs if name not in ("token", "position")]
        state = {name: zeros(self.inputs[name]) for name in names}
        for position, token in enumerate(tokens):
            given = {"token": np.array([token], np.int32), "position": np.array([position], np.int32), **state}
            results = self.step(given)
            state = {name: results[f"new_{name}"] for name in names}
            yield results["logits"][0]

    def step(self, given: Values) -> Values:
        """What comes out, for what goes in."""
        values = {tensor: given[name] for name, tensor in self.inputs.items()}
        constants = [tensor for operation in self.operations for tensor in operation.inputs if tensor.data is not None]
        values |= {tensor: tensor.data for tensor in constants}
        for operation in self.operations:
            operands = {tensor: values[tensor] for tensor in operation.inputs if tensor.data is None}
            results = run_reference(build_all([operation]), *operands.values())
            values |= dict(zip(operation.outputs, results, strict=True))
        return {name: values[tensor] for name, tensor in self.outputs.items()}


def zeros(tensor: Tensor) -> np.ndarray:
    return np.full(tensor.shape, tensor.zero_point, tensor.dtype)


def like(dtype: str, shape: Sequence[int] = (1, VOCABULARY)) -> Tensor:
    """A tensor of the one format that all states of a model have."""
    return Tensor(shape, dtype, SCALES[dtype], ZERO_POINTS[dtype])


class Parts:
    """What every model here begins with: token and position, states a and b, and a row that the token chooses."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.token, self.position = Tensor((1,), "int32"), Tensor((1,), "int32")
        self.a, self.b, self.c = like(dtype), like(dtype), like(dtype)
        rows = np.random.default_rng(1).integers(-9, 10, (VOCABULARY, VOCABULARY)).astype(dtype)
        table = constant(rows, SCALES[dtype], zero_point=ZERO_POINTS[dtype])
        self.row = like(dtype)
        self.operations = [Operation("GATHER", [table, self.token], [self.row])]

    def add(self, left: Tensor, right: Tensor) -> Tensor:
        return self.operation("ADD", [left, right])

    def operation(self, name: str, inputs: Sequence[Tensor], options: Mapping[str, object] | None = None) -> Tensor:
        output = like(self.dtype)
        self.operations.append(Operation(name, inputs, [output], options or {}))
        return output

    def model(self, states: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> StepModel:
        return StepModel(self.operations, {"token": self.token, "position": self.position, **states}, outputs)


def delay_line(parts: Parts) -> StepModel:
    """What goes in comes back three steps later: each state is the input of the one before it."""
    states = {"a": parts.a, "b": parts.b, "c": parts.c}
    return parts.model(
        states, {"logits": parts.add(parts.c, parts.row), "new_a": parts.row, "new_b": parts.a, "new_c": parts.b}
    )


def delayed_sum(parts: Parts) -> StepModel:
    """A state that is computed, and another one that is what it was before."""
    total = parts.add(parts.a, parts.row)
    return parts.model(
        {"a": parts.a, "b": parts.b}, {"logits": parts.add(parts.b, parts.row), "new_a": total, "new_b": parts.a}
    )


def exchange(parts: Parts) -> StepModel:
    """Two states change places, a third one is added to both by turns."""
    total = parts.add(parts.c, parts.a)
    outputs = {
        "logits": parts.add(parts.b, total),
        "new_a": parts.b,
        "new_b": parts.a,
        "new_c": parts.add(total, parts.row),
    }
    return parts.model({"a": parts.a, "b": parts.b, "c": parts.c}, outputs)


def turn_around(parts: Parts) -> StepModel:
    """Three states in a ring, and one sum that passes through it."""
    total = parts.add(parts.a, parts.row)
    outputs = {"logits": total, "new_a": parts.c, "new_b": total, "new_c": parts.b}
    return parts.model({"a": parts.a, "b": parts.b, "c": parts.c}, outputs)


def passed_through(parts: Parts) -> StepModel:
    """A state that never changes."""
    total = parts.add(parts.b, parts.row)
    return parts.model(
        {"a": parts.a, "b": parts.b}, {"logits": parts.add(total, parts.a), "new_a": parts.a, "new_b": total}
    )


def old_state_as_logits(parts: Parts) -> StepModel:
    """The logits are what the state was."""
    return parts.model({"a": parts.a}, {"logits": parts.a, "new_a": parts.add(parts.a, parts.row)})


def new_state_as_logits(parts: Parts) -> StepModel:
    """One tensor is the logits and two states."""
    total = parts.add(parts.a, parts.row)
    return parts.model({"a": parts.a, "b": parts.b}, {"logits": total, "new_a": total, "new_b": total})


def reshaped_state(parts: Parts) -> StepModel:
    """LiteRT lets the output of a RESHAPE lie where its input does."""
    shape = constant(np.array([1, VOCABULARY], np.int32))
    old = parts.operation("RESHAPE", [parts.a, shape])
    total = parts.add(parts.a, parts.row)
    return parts.model({"a": parts.a, "b": parts.b}, {"logits": parts.add(parts.b, old), "new_a": total, "new_b": old})


def replaced_part(parts: Parts) -> StepModel:
    """LiteRT may let the output of a DYNAMIC_UPDATE_SLICE lie where its input does, which is an output as well."""
    start = constant(np.array([0, 0], np.int32))
    updated = parts.operation("DYNAMIC_UPDATE_SLICE", [parts.a, parts.row, start])
    return parts.model(
        {"a": parts.a, "b": parts.b}, {"logits": parts.add(parts.b, updated), "new_a": updated, "new_b": parts.a}
    )


def constant_state(parts: Parts) -> StepModel:
    """A state that is a constant from the second step on."""
    rows = constant(
        np.arange(VOCABULARY, dtype=parts.dtype)[None], SCALES[parts.dtype], zero_point=ZERO_POINTS[parts.dtype]
    )
    return parts.model({"a": parts.a}, {"logits": parts.add(parts.add(parts.a, parts.row), rows), "new_a": rows})


MODELS = {
    make.__name__: make
    for make in (
        delay_line,
        delayed_sum,
        exchange,
        turn_around,
        passed_through,
        old_state_as_logits,
        new_state_as_logits,
        reshaped_state,
        replaced_part,
        constant_state,
    )
}
