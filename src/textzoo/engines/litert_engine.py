"""Engines on LiteRT: a decode step as .tflite, with the reference kernels or with the optimized ones."""

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
        self._states = state_pairs(self.graph, self._label)
        if not isinstance(model, bytes):
            probe(self._content, self._label)
        logits = self.graph.tensors[self.graph.outputs["logits"]]
        self.logits_format = LogitsFormat(logits.dtype, logits.scale or 1.0, logits.zero_point)
        self.vocabulary_size = vocabulary_of(self.graph, self._label)
        self.context_length = context_length_of(self.graph, self._content, self._label)
        self.interpreter = open_interpreter(self._content, self._label, self.resolver, keep_tensors)
        self._token, self._position = self.graph.inputs["token"], self.graph.inputs["position"]
        self._logits = logits.index
        self._zeros = {index: self.graph.tensors[index].zero_point for index, _ in self._states}
        self.reset()

    def reset(self) -> None:
        self.position = 0
        for index, zero_point in self._zeros.items():
            self.interpreter.tensor(index)()[...] = zero_point

    def step_raw(self, token: int) -> np.ndarray:
        self.check_step(token)
        view = self.interpreter.tensor
        view(self._token)()[0] = token
        view(self._position)()[0] = self.position
        self.interpreter.invoke()
        for before, after in self._states:
            view(before)()[...] = view(after)()
        self.position += 1
        return view(self._logits)()[0].copy()

    def tensor(self, index: int) -> np.ndarray:
        """The values of a tensor after the last step, (its shape); needs `keep_tensors`."""
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


def state_pairs(graph: TfliteFile, label: str) -> list[tuple[int, int]]:
    """(input, output) tensor indices of every state tensor, after checking that the graph is a decode step."""
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
    pairs = [(graph.inputs[name], graph.outputs[NEW_STATE + name]) for name in states]
    for before, after in pairs:
        _require_same_format(graph.tensors[before], graph.tensors[after], label)
    return pairs


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
