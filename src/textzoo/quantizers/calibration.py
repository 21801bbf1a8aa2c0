"""Calibration: the ranges of every float tensor of the decode step, over all positions of representative windows.

Three common mistakes are avoided. The ranges are true minima and maxima over all steps, not a moving average. Every
position of a window is observed, because the first and last positions hold the outliers. Tensors that must share one
scale (a state's input and output, input and output of a RESHAPE) get one range, so that a state is never requantized
in its loop.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert.interpreter import OpResolverType

from textzoo.common.progress import progress_bar
from textzoo.compiler.operators.registry import OPERATORS
from textzoo.compiler.tflite.file import TensorInfo, TfliteFile, parse_tflite
from textzoo.engines.litert_engine import NEW_STATE, LitertReferenceEngine, open_interpreter

# A score this far below its row's maximum has a probability below 1e-5, which no quantized softmax can represent.
SOFTMAX_MARGIN = 12.0
# LiteRT's softmax has a fixed int8 output scale of 1/256.
INT8_PROBABILITY_STEPS = 256
# Rounding changes attention to single positions by less than 1 %, attention over a whole window by about 10 %.
HIGH_ENTROPY_ERROR = 0.03


@dataclass
class Ranges:
    """The observed ranges of each float tensor.

    Attributes:
        low: name -> smallest value.
        high: name -> largest value.
        lowest_row_maximum: name of a softmax' input -> the smallest of its rows' maxima.
        roundings: name of a softmax' output -> per call, the mean over its rows of the relative error of rounding to
            1/256.
    """

    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    lowest_row_maximum: dict[str, float] = field(default_factory=dict)
    roundings: dict[str, list[float]] = field(default_factory=dict)

    def observe(self, name: str, values: np.ndarray) -> None:
        self.low[name] = min(self.low.get(name, np.inf), float(values.min()))
        self.high[name] = max(self.high.get(name, -np.inf), float(values.max()))

    def observe_rows(self, name: str, values: np.ndarray) -> None:
        lowest = float(values.max(axis=-1).min())
        self.lowest_row_maximum[name] = min(self.lowest_row_maximum.get(name, np.inf), lowest)

    def observe_probabilities(self, name: str, values: np.ndarray) -> None:
        values = values.astype(np.float64)
        errors = np.round(values * INT8_PROBABILITY_STEPS) / INT8_PROBABILITY_STEPS - values
        relative = np.sqrt((errors**2).sum(axis=-1) / (values**2).sum(axis=-1))
        self.roundings.setdefault(name, []).append(float(relative.mean()))

    def high_entropy_softmaxes(self) -> set[str]:
        """Return the outputs of softmaxes whose probabilities are too small to be rounded to int8."""
        return {name for name, errors in self.roundings.items() if np.mean(errors) > HIGH_ENTROPY_ERROR}


def calibrate_decode(decode_model: bytes, windows: np.ndarray) -> Ranges:
    """Step the float decode graph through every position of windows (n, time) and collect the ranges."""
    engine = LitertReferenceEngine(decode_model, keep_tensors=True)
    collector = _Collector(engine.graph)
    with progress_bar("calibration of the decode step", windows.size) as advance:
        for window in windows:
            engine.reset()
            for token in window:
                engine.step_raw(int(token))
                collector.observe(engine.tensor)
            advance(len(window))
    return collector.ranges


def calibrate_forward(forward_model: bytes, windows: np.ndarray) -> Ranges:
    """Run the float window graph over windows (n, context_length) and collect the ranges."""
    graph = parse_tflite(forward_model)
    collector = _Collector(graph)
    interpreter = open_interpreter(forward_model, "the window graph", OpResolverType.BUILTIN_REF, keep_tensors=True)
    with progress_bar("calibration of the window graph", windows.size) as advance:
        for window in windows:
            interpreter.set_tensor(graph.inputs["tokens"], window[None].astype(np.int32))
            interpreter.invoke()
            collector.observe(interpreter.get_tensor)
            advance(len(window))
    return collector.ranges


class _Collector:
    """Reads the tensors of a graph after each run."""

    def __init__(self, graph: TfliteFile) -> None:
        floats = [tensor for tensor in graph.tensors if tensor.dtype == np.float32]
        self.computed = [tensor for tensor in floats if not tensor.is_constant]
        softmaxes = [operator for operator in graph.operators if operator.name == "SOFTMAX"]
        self.softmax_inputs = {operator.inputs[0] for operator in softmaxes}
        self.softmax_outputs = {operator.outputs[0] for operator in softmaxes}
        self.ranges = Ranges()
        for tensor in floats:
            if tensor.is_constant:
                self.ranges.observe(tensor.name, tensor.values())

    def observe(self, read: Callable[[int], np.ndarray]) -> None:
        for tensor in self.computed:
            values = read(tensor.index)
            self.ranges.observe(tensor.name, values)
            if tensor.index in self.softmax_inputs:
                self.ranges.observe_rows(tensor.name, values)
            elif tensor.index in self.softmax_outputs:
                self.ranges.observe_probabilities(tensor.name, values)


def unify_ranges(graph: TfliteFile, ranges: Ranges, margin: float = SOFTMAX_MARGIN) -> None:
    """Turn observed ranges into ranges for quantization: clip softmax inputs, give tensors of one scale one range.

    The input of a softmax may saturate where probabilities are negligible, so that masked positions do not widen its
    range.
    """
    for name, lowest in ranges.lowest_row_maximum.items():
        ranges.low[name] = max(ranges.low[name], lowest - margin)
    for group in scale_groups(graph):
        names = [graph.tensors[index].name for index in group if graph.tensors[index].name in ranges.low]
        leading = [name for name in names if name in ranges.lowest_row_maximum] or names
        low, high = min(ranges.low[name] for name in leading), max(ranges.high[name] for name in leading)
        for name in names:
            ranges.low[name], ranges.high[name] = low, high


def scale_groups(graph: TfliteFile) -> list[set[int]]:
    """Return sets of float tensors that must share one scale: those of same-scale operators and of states.

    Shared scalars (the score of masked positions) are exempt: the quantizer gives each operator its own copy.
    """
    ties = [
        (index, graph.outputs[NEW_STATE + name])
        for name, index in graph.inputs.items()
        if NEW_STATE + name in graph.outputs
    ]
    for operator in graph.operators:
        tied = OPERATORS.get(operator.name).same_scale if operator.name in OPERATORS.attributes else slice(0)
        ties += [(index, output) for index in operator.inputs[tied] for output in operator.outputs]
    return merged([tie for tie in ties if all(_can_be_tied(graph.tensors[index]) for index in tie)])


def _can_be_tied(tensor: TensorInfo) -> bool:
    return tensor.dtype == np.float32 and not (tensor.is_constant and tensor.shape == ())


def merged(ties: list[tuple[int, int]]) -> list[set[int]]:
    """Return the connected components of pairs."""
    groups: list[set[int]] = []
    for tie in ties:
        touched = [group for group in groups if group.intersection(tie)]
        groups = [group for group in groups if not group.intersection(tie)]
        groups.append(set(tie).union(*touched))
    return groups
