"""From a float .tflite and its ranges to a quantized .tflite, by AI Edge Quantizer, checked afterwards."""

import logging
import math
import re
import warnings
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer import quantizer
from ai_edge_quantizer import recipe as edge_recipes

from textzoo.common.errors import UserError
from textzoo.common.standard_streams import quiet_stderr
from textzoo.compiler.tflite.file import TfliteFile, parse_tflite, rewritten
from textzoo.engines.litert_engine import NEW_STATE
from textzoo.quantizers.calibration import Ranges
from textzoo.quantizers.recipes import Recipe
from textzoo.quantizers.stored_weights import store_levels
from textzoo.quantizers.weight_grids import grid_of_bits

LIBRARY_WEIGHT_BITS = 8
INT16_LARGEST = 32767
# LiteRT takes a scale for a power of two where its logarithm is this near to a whole number, with a margin.
POWER_TOLERANCE = 2e-3
# Operators that work element by element: cheap in int16 too.
ELEMENTWISE = ("ADD", "SUB", "MUL", "LOGISTIC", "TANH")


def apply_recipe(float_model: bytes, ranges: Ranges, recipe: Recipe, int16_names: Set[str] = frozenset()) -> bytes:
    """Quantize a graph.

    Args:
        float_model: The exported .tflite.
        ranges: Of every float tensor; not used by dynamic recipes.
        recipe: What becomes of weights and activations.
        int16_names: Names of tensors whose operators compute in int16, whatever the recipe says.

    Returns:
        The quantized .tflite, its constants inside the flatbuffer.
    """
    graph = parse_tflite(float_model)
    with quiet_stderr(), _quiet_library():
        worker = quantizer.Quantizer(float_model)
        worker.load_quantization_recipe(getattr(edge_recipes, recipe.library_name)())
        for regex, operator in _int16_operators(graph, int16_names):
            worker.add_static_config(regex, operator, activation_num_bits=16, weight_num_bits=LIBRARY_WEIGHT_BITS)
        in_int16 = recipe.activation_bits == 16 or _has_int16_arithmetic(graph, int16_names)
        ranges = beside_powers_of_two(ranges) if in_int16 else ranges
        statistics = _statistics(graph, ranges) if recipe.is_static else None
        result = worker.quantize(statistics, enable_progress_bar=False, enable_progress_report=False)
    content = _mended(rewritten(bytes(result.quantized_model)))
    if recipe.has_coarse_weights:
        content = store_levels(content, graph, grid_of_bits(recipe.weight_bits))
    if recipe.is_static:
        check_integers(parse_tflite(content))
    return content


def _int16_operators(graph: TfliteFile, int16_names: Set[str]) -> Iterator[tuple[str, str]]:
    """(regular expression of the output's name, operator) of every operator that computes one of these tensors."""
    for operator in graph.operators:
        name = graph.tensors[operator.outputs[0]].name
        if name in int16_names:
            yield f"^{re.escape(name)};$", operator.name
    states = [graph.tensors[index].name for name, index in graph.outputs.items() if name.startswith(NEW_STATE)]
    if int16_names & {*states}:
        yield ".*", "INPUT"  # the quantizer knows all of them as one operator: all states have one type


def with_readers(graph: TfliteFile, names: Set[str]) -> set[str]:
    """Names of tensors, and of what is computed from them at once."""
    sources = {tensor.index for tensor in graph.tensors if tensor.name in names}
    readers = [operator for operator in graph.operators if sources.intersection(operator.inputs)]
    return {*names, *(graph.tensors[index].name for operator in readers for index in operator.outputs)}


def state_arithmetic(graph: TfliteFile, states: Set[str]) -> set[str]:
    """Names of all that is computed element by element on the way to the new states: what lies behind the matrices."""
    producers = {index: operator for operator in graph.operators for index in operator.outputs}
    waiting = [graph.outputs[NEW_STATE + name] for name in states if NEW_STATE + name in graph.outputs]
    found: set[str] = set()
    while waiting:
        index = waiting.pop()
        operator = producers.get(index)
        if operator is not None and operator.name in ELEMENTWISE and graph.tensors[index].name not in found:
            found.add(graph.tensors[index].name)
            waiting += operator.inputs
    return found


def _mended(content: bytes) -> bytes:
    """What the quantizer leaves to be done where a graph mixes int8 and int16.

    * Its graph outputs may point behind a QUANTIZE that was meant for another reader: the signature is right, but for
      states in int16, which it lets out as what matrices of int8 read of them.
    * int8 becomes int16 with the same step: exactly value - zero_point, which a compiler can leave out.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    _keep_width_of_states(model)
    model.subgraphs[0].outputs = [entry.tensorIndex for entry in model.signatureDefs[0].outputs]
    tensors = model.subgraphs[0].tensors
    for operator in model.subgraphs[0].operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.QUANTIZE:
            before, after = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
            if (before.type, after.type) == (schema.TensorType.INT8, schema.TensorType.INT16):
                after.quantization.scale = before.quantization.scale
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _keep_width_of_states(model: schema.ModelT) -> None:
    """Let a state leave a graph as it enters it, and not behind a QUANTIZE."""
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    before = {NEW_STATE + entry.name.decode(): graph.tensors[entry.tensorIndex] for entry in signature.inputs}
    quantized_from = {
        operator.outputs[0]: operator.inputs[0]
        for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.QUANTIZE
    }
    for entry in signature.outputs:
        state = before.get(entry.name.decode())
        source = quantized_from.get(entry.tensorIndex)
        if state is not None and source is not None and graph.tensors[source].type == state.type:
            entry.tensorIndex = source


@contextmanager
def _quiet_library() -> Iterator[None]:
    """The quantizer warns of what it does itself (an interpreter that keeps all tensors)."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _has_int16_arithmetic(graph: TfliteFile, int16_names: Set[str]) -> bool:
    elementwise = [operator for operator in graph.operators if operator.name in ELEMENTWISE]
    return any(graph.tensors[operator.outputs[0]].name in int16_names for operator in elementwise)


def beside_powers_of_two(ranges: Ranges) -> Ranges:
    """Ranges whose int16 scales are no powers of two: wider by half a percent where they would be.

    LiteRT computes ADD and SUB of such scales by shifts, and refuses some of them: a hidden state in [-1, 1] minus
    another one is an example.
    """

    def factor(name: str) -> float:
        largest = max(abs(ranges.low[name]), abs(ranges.high[name]))
        exponent = math.log2(largest / INT16_LARGEST) if largest else 0.5
        return 1.005 if abs(exponent - round(exponent)) < POWER_TOLERANCE else 1.0

    factors = {name: factor(name) for name in ranges.low}
    low = {name: value * factors[name] for name, value in ranges.low.items()}
    high = {name: value * factors[name] for name, value in ranges.high.items()}
    return replace(ranges, low=low, high=high)


def _statistics(graph: TfliteFile, ranges: Ranges) -> dict[str, dict[str, np.ndarray]]:
    """The ranges in the quantizer's form.

    All have one shape: it compares scales with their shapes, and would requantize between tensors of different rank.
    Weights find their own ranges, per channel; a table whose rows are gathered has one scale like an activation.
    """
    tables = {operator.inputs[0] for operator in graph.operators if operator.name == "GATHER"}
    wanted = [tensor for tensor in graph.tensors if not tensor.is_constant or tensor.index in tables]
    return {
        tensor.name: {
            "min": np.full((1, 1), ranges.low[tensor.name], np.float32),
            "max": np.full((1, 1), ranges.high[tensor.name], np.float32),
        }
        for tensor in wanted
        if tensor.name in ranges.low
    }


def check_integers(graph: TfliteFile) -> None:
    """Raise unless a statically quantized graph has no float left and keeps the scale of its state."""
    floats = [tensor.name for tensor in graph.tensors if tensor.dtype.kind == "f"]
    if floats:
        raise UserError("a float island was left in the quantized graph", received=", ".join(floats[:5]))
    for name, index in graph.inputs.items():
        if NEW_STATE + name in graph.outputs:
            _check_state(graph, index, graph.outputs[NEW_STATE + name])


def _check_state(graph: TfliteFile, before: int, after: int) -> None:
    """No requantization in the loop of a state: it would wear the state away with every step.

    What a matrix reads of it may be requantized: that does not come back.
    """
    old, new = graph.tensors[before], graph.tensors[after]
    if (old.scales, old.zero_points) != (new.scales, new.zero_points):
        raise UserError(f"state {old.name} has two scales", expected=str(old.scales), received=str(new.scales))
    for operator in graph.operators:
        if operator.name != "QUANTIZE":
            continue
        readers = {reader.name for reader in graph.operators if operator.outputs[0] in reader.inputs}
        if after in operator.outputs or (before in operator.inputs and readers != {"FULLY_CONNECTED"}):
            raise UserError(f"state {old.name} is requantized in its loop")
