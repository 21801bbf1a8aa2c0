"""LiteRT engines: the decode step of a .tflite, with reference kernels or optimized kernels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from textzoo.common.errors import UserError, collecting, raise_all, short_reason
from textzoo.common.standard_streams import quiet_stderr
from textzoo.compiler.tflite.file import (
    TensorInfo,
    TfliteFile,
    context_length_of,
    not_run,
    parse_tflite,
    read_checked_bytes,
    rewritten,
)
from textzoo.compiler.tflite.signatures import LOGITS, NEW_STATE, STEP_INPUTS
from textzoo.compiler.tflite.support import shape_text
from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.probe import probe

Arrays = dict[str, np.ndarray]
Step = Callable[[Arrays], Arrays]
# LiteRT's signature runner takes arrays as keyword arguments; an input of this name would clash with its own argument.
RUNNER_ARGUMENT = "self"


class LitertEngine(Engine):
    """The decode step of a .tflite.

    Args:
        model: Path of a .tflite with a decode step; or its bytes, which are then trusted not to crash the process.
        keep_tensors: Whether intermediate tensors can be read after a step.

    Attributes:
        resolver: LiteRT's resolver of kernels.

    Raises:
        UserError: The file is missing, damaged, or not a decode step.
    """

    name = "litert"
    resolver = OpResolverType.AUTO

    def __init__(self, model: Path | str | bytes, *, keep_tensors: bool = False) -> None:
        self._label = "the model" if isinstance(model, bytes) else str(model)
        self._content = model if isinstance(model, bytes) else read_checked_bytes(Path(model))
        self._keep_tensors = keep_tensors
        self.graph = parse_tflite(self._content, self._label)
        raise_all(step_mistakes(self.graph, self._content, self._label))
        if not isinstance(model, bytes):
            probe(self._content, self._label)
        logits = self.graph.tensors[self.graph.outputs[LOGITS]]
        self.logits_format = LogitsFormat(logits.dtype, logits.scale or 1.0, logits.zero_point)
        self.vocabulary_size = logits.shape[1]
        self.context_length = context_length_of(self.graph, self._content, self._label)
        self._states = states_of(self.graph)
        self.interpreter = open_interpreter(self._content, self._label, self.resolver, keep_tensors)
        self._run = step_of(self.interpreter, self.graph)
        self.reset()
        check_shapes(self._results(0), self.graph, self._label)

    def reset(self) -> None:
        self.position = 0
        self._state = {name: zeros_of(self.graph.tensors[self.graph.inputs[name]]) for name in self._states}

    def step_raw(self, token: int) -> np.ndarray:
        self.check_step(token)
        results = self._results(token)
        self._state = {name: results[NEW_STATE + name] for name in self._states}
        self.position += 1
        return results[LOGITS][0]

    def _results(self, token: int) -> Arrays:
        """Return all outputs of the next step."""
        try:
            return self._run({"token": single(token), "position": single(self.position), **self._state})
        except (ValueError, RuntimeError) as error:
            raise not_run(self._label, short_reason(error)) from None

    def tensor(self, index: int) -> np.ndarray:
        """Return a tensor's values in the last step, states before the step; needs `keep_tensors`."""
        return self.interpreter.get_tensor(index)

    def clone(self) -> "LitertEngine":
        return type(self)(self._content, keep_tensors=self._keep_tensors)


class LitertReferenceEngine(LitertEngine):
    """LiteRT's reference kernels, whose integers the device reproduces."""

    name = "litert_ref"
    resolver = OpResolverType.BUILTIN_REF


def open_interpreter(content: bytes, label: str, resolver: OpResolverType, keep_tensors: bool = False) -> Interpreter:
    """Return an interpreter of a rewritten copy of the file, which contains only what `parse_tflite` has checked."""
    try:
        with quiet_stderr():
            interpreter = Interpreter(
                model_content=rewritten(content),
                num_threads=1,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=keep_tensors,
            )
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise not_run(label, short_reason(error)) from None
    return interpreter


def check_shapes(results: Arrays, graph: TfliteFile, label: str) -> None:
    """Raise UserError if a step computes other shapes than the file declares, e.g. because they depend on values."""
    tensors = {name: graph.tensors[index] for name, index in graph.outputs.items()}
    wrong = {name: tensor for name, tensor in tensors.items() if results[name].shape != tensor.shape}
    if wrong:
        raise UserError(
            f"{label} computes other shapes than it declares",
            expected=", ".join(f"{name} {shape_text(tensor.shape)}" for name, tensor in wrong.items()),
            received=", ".join(f"{name} {shape_text(results[name].shape)}" for name in wrong),
            remedy="Convert the model with constant shapes.",
        )


def step_of(interpreter: Interpreter, graph: TfliteFile) -> Step:
    """Return a function that runs one step, from arrays by input name to arrays by output name.

    The results are copies, taken before the next inputs are written: states may share memory, or even be the same
    tensor.
    """
    if not graph.signature or RUNNER_ARGUMENT in graph.inputs:
        return step_by_tensors(interpreter, graph)
    return step_by_signature(interpreter, graph)


def step_by_signature(interpreter: Interpreter, graph: TfliteFile) -> Step:
    """Return a step by LiteRT's signature runner; output names of the file are mapped to those of a decode step."""
    runner = interpreter.get_signature_runner(graph.signature)
    own_names = {detail["index"]: name for name, detail in runner.get_output_details().items()}
    outputs = {name: own_names[index] for name, index in graph.outputs.items()}

    def run(values: Arrays) -> Arrays:
        results = runner(**values)
        return {name: results[own_name] for name, own_name in outputs.items()}

    return run


def step_by_tensors(interpreter: Interpreter, graph: TfliteFile) -> Step:
    """Return a step for a file without a signature."""

    def run(values: Arrays) -> Arrays:
        for name, value in values.items():
            interpreter.set_tensor(graph.inputs[name], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in graph.outputs.items()}

    return run


def single(number: int) -> np.ndarray:
    """Return a token or a position as the graph's input, (1,) int32."""
    return np.array([number], np.int32)


def zeros_of(tensor: TensorInfo) -> np.ndarray:
    """Return real zeros (the zero point) with a tensor's shape and type."""
    return np.full(tensor.shape, tensor.zero_point, tensor.dtype)


def step_mistakes(graph: TfliteFile, content: bytes, label: str) -> list[UserError]:
    """Return all errors of a graph that is not a decode step that engines can run."""
    errors = no_step(graph, label)
    if not errors:
        errors += [*wrong_numbers(graph, label), *changed_states(graph, label), *strange_logits(graph, label)]
        with collecting(errors):
            context_length_of(graph, content, label)
    return errors


def states_of(graph: TfliteFile) -> list[str]:
    """Return the names of the input states."""
    return sorted(set(graph.inputs) - STEP_INPUTS)


def no_step(graph: TfliteFile, label: str) -> list[UserError]:
    """Return an error if inputs or outputs are not those of a decode step."""
    outputs = {LOGITS, *(NEW_STATE + name for name in states_of(graph))}
    if set(graph.inputs) >= STEP_INPUTS and set(graph.outputs) == outputs:
        return []
    title = f"signature '{graph.signature}'" if graph.signature else "no signature"
    return [
        UserError(
            f"{label} has no decode step",
            expected="inputs token, position and state; outputs logits and new_<state>",
            received=f"{title}, inputs {', '.join(graph.inputs)}; outputs {', '.join(graph.outputs)}",
            remedy="Convert the model with a signature of these names; a graph that is no language model is "
            "benchmarked and deployed with model=graph.",
        )
    ]


def wrong_numbers(graph: TfliteFile, label: str) -> list[UserError]:
    """Return errors for a token or a position that is not a single int32."""
    tensors = [graph.tensors[graph.inputs[name]] for name in sorted(STEP_INPUTS)]
    return [
        UserError(f"{label}: tensor {tensor.name}", expected="int32 1", received=tensor.describe())
        for tensor in tensors
        if (str(tensor.dtype), tensor.shape) != ("int32", (1,))
    ]


def changed_states(graph: TfliteFile, label: str) -> list[UserError]:
    """Return errors for states whose output format differs from their input format."""
    indices = [(graph.inputs[name], graph.outputs[NEW_STATE + name]) for name in states_of(graph)]
    pairs = [(graph.tensors[before], graph.tensors[after]) for before, after in indices]
    return [
        UserError(
            f"{label}: the state {before.name} changes its format in a step",
            expected=described_form(before),
            received=described_form(after),
            remedy="Calibrate input and output of a state together.",
        )
        for before, after in pairs
        if before.form != after.form
    ]


def described_form(tensor: TensorInfo) -> str:
    """Return e.g. "int8 1x128, scale 0.5, zero point -3"."""
    listed = [
        f"{what} {' '.join(map(str, values))}"
        for what, values in (("scale", tensor.scales), ("zero point", tensor.zero_points))
        if values
    ]
    return ", ".join([tensor.describe(), *listed])


def strange_logits(graph: TfliteFile, label: str) -> list[UserError]:
    """Return an error if the logits are not one supported number per token of the vocabulary."""
    logits = graph.tensors[graph.outputs[LOGITS]]
    right_type = str(logits.dtype) in ("int8", "int16", "float32")
    if len(logits.shape) == 2 and logits.shape[0] == 1 and right_type:
        return []
    expected = "int8, int16 or float32 1x<vocabulary size>"
    return [UserError(f"{label} has unsupported logits", expected=expected, received=logits.describe())]
