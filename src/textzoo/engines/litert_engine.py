"""Engines on LiteRT: a decode step as .tflite, with the reference kernels or with the optimized ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from textzoo.compiler.interfaces import LOGITS, NEW_STATE, STEP_INPUTS
from textzoo.compiler.tflite_file import (
    TensorInfo,
    TfliteFile,
    context_length_of,
    damaged,
    parse_tflite,
    read_checked_bytes,
    rewritten,
)
from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.probe import probe
from textzoo.engines.quiet import quiet_stderr
from textzoo.errors import UserError

Arrays = dict[str, np.ndarray]
Step = Callable[[Arrays], Arrays]
# LiteRT's runner takes arrays as arguments by their names, beside itself under this one.
RUNNER_ARGUMENT = "self"


class LitertEngine(Engine):
    """The decode step of a .tflite.

    Args:
        model: Path of a .tflite with a decode step; or its bytes, which are then trusted not to end the process.
        resolver: Which kernels compute it.
        keep_tensors: Whether intermediate tensors can be read after a step.

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
        self._states = checked_states(self.graph, self._label)
        if not isinstance(model, bytes):
            probe(self._content, self._label)
        logits = self.graph.tensors[self.graph.outputs["logits"]]
        self.logits_format = LogitsFormat(logits.dtype, logits.scale or 1.0, logits.zero_point)
        self.vocabulary_size = vocabulary_of(self.graph, self._label)
        self.context_length = context_length_of(self.graph, self._content, self._label)
        self.interpreter = open_interpreter(self._content, self._label, self.resolver, keep_tensors)
        self._run = step_of(self.interpreter, self.graph)
        self.reset()

    def reset(self) -> None:
        self.position = 0
        self._state = {name: zeros_of(self.graph.tensors[self.graph.inputs[name]]) for name in self._states}

    def step_raw(self, token: int) -> np.ndarray:
        self.check_step(token)
        results = self._run({"token": single(token), "position": single(self.position), **self._state})
        self._state = {name: results[NEW_STATE + name] for name in self._states}
        self.position += 1
        return results[LOGITS][0]

    def tensor(self, index: int) -> np.ndarray:
        """The values of a tensor in the last step, (its shape), states as they went in; needs `keep_tensors`."""
        return self.interpreter.get_tensor(index)

    def twin(self) -> "LitertEngine":
        return type(self)(self._content, keep_tensors=self._keep_tensors)


class LitertReferenceEngine(LitertEngine):
    """LiteRT's reference kernels: what they compute is what the device computes."""

    name = "litert_ref"
    resolver = OpResolverType.BUILTIN_REF


def open_interpreter(content: bytes, label: str, resolver: OpResolverType, keep_tensors: bool = False) -> Interpreter:
    """An interpreter that never sees the file itself, but what `parse_tflite` has checked, written anew."""
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
        raise damaged(label, str(error).splitlines()[0]) from None
    return interpreter


def step_of(interpreter: Interpreter, graph: TfliteFile) -> Step:
    """How one step is run: arrays by the names of the graph's inputs go in, those of its outputs come out.

    What comes out are copies, taken before anything goes in again: a state may lie in the memory of another one, or be
    the same tensor.
    """
    if not graph.signature or RUNNER_ARGUMENT in graph.inputs:
        return step_by_tensors(interpreter, graph)
    return step_by_signature(interpreter, graph)


def step_by_signature(interpreter: Interpreter, graph: TfliteFile) -> Step:
    """LiteRT's own runner of signatures; outputs have their names in the file, not always those of a decode step."""
    runner = interpreter.get_signature_runner(graph.signature)
    own_names = {detail["index"]: name for name, detail in runner.get_output_details().items()}
    outputs = {name: own_names[index] for name, index in graph.outputs.items()}

    def run(values: Arrays) -> Arrays:
        results = runner(**values)
        return {name: results[own_name] for name, own_name in outputs.items()}

    return run


def step_by_tensors(interpreter: Interpreter, graph: TfliteFile) -> Step:
    """The same, for a file without a signature."""

    def run(values: Arrays) -> Arrays:
        for name, value in values.items():
            interpreter.set_tensor(graph.inputs[name], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in graph.outputs.items()}

    return run


def single(number: int) -> np.ndarray:
    """A token or a position as the graph takes it, (1,) int32."""
    return np.array([number], np.int32)


def zeros_of(tensor: TensorInfo) -> np.ndarray:
    """Real zeros of a tensor's shape and type."""
    return np.full(tensor.shape, tensor.zero_point, tensor.dtype)


def checked_states(graph: TfliteFile, label: str) -> list[str]:
    """The names of the states, after checking that the graph is a decode step."""
    states = sorted(set(graph.inputs) - STEP_INPUTS)
    outputs = {LOGITS, *(NEW_STATE + name for name in states)}
    if not set(graph.inputs) >= STEP_INPUTS or set(graph.outputs) != outputs:
        title = f"signature '{graph.signature}'" if graph.signature else "no signature"
        raise UserError(
            f"{label} has no decode step",
            expected="inputs token, position and state; outputs logits and new_<state>",
            received=f"{title}, inputs {', '.join(graph.inputs)}; outputs {', '.join(graph.outputs)}",
            remedy="Convert the model with a signature of these names.",
        )
    for name in sorted(STEP_INPUTS):
        _require_kind(graph.tensors[graph.inputs[name]], "int32", (1,), label)
    for name in states:
        before, after = graph.inputs[name], graph.outputs[NEW_STATE + name]
        _require_same_format(graph.tensors[before], graph.tensors[after], label)
    return states


def _require_kind(tensor: TensorInfo, dtype: str, shape: tuple[int, ...], label: str) -> None:
    if tensor.dtype != np.dtype(dtype) or tensor.shape != shape:
        received = f"{tensor.dtype} {tensor.shape}"
        raise UserError(f"{label}: tensor {tensor.name}", expected=f"{dtype} {shape}", received=received)


def _require_same_format(before: TensorInfo, after: TensorInfo, label: str) -> None:
    def form(tensor: TensorInfo) -> tuple:
        return tensor.shape, str(tensor.dtype), tensor.scales, tensor.zero_points

    if form(before) != form(after):
        raise UserError(
            f"{label}: the state {before.name} changes its format in a step",
            expected=str(form(before)),
            received=str(form(after)),
            remedy="Calibrate input and output of a state together.",
        )


def vocabulary_of(graph: TfliteFile, label: str) -> int:
    """The number of tokens, from the logits (1, vocabulary_size)."""
    logits = graph.tensors[graph.outputs["logits"]]
    right_type = str(logits.dtype) in ("int8", "int16", "float32")
    if len(logits.shape) != 2 or logits.shape[0] != 1 or not right_type:
        received = f"{logits.dtype} {logits.shape}"
        raise UserError(f"{label} has strange logits", expected="int8, int16 or float32 (1, n)", received=received)
    return logits.shape[1]
