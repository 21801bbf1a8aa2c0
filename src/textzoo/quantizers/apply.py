"""Quantize a float .tflite with given ranges by AI Edge Quantizer, and check the result."""

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
MAX_INT16 = 32767
# LiteRT treats a scale as a power of two if its logarithm is this close to an integer; with a margin.
POWER_TOLERANCE = 2e-3
# Elementwise operators, which are cheap in int16, too.
ELEMENTWISE = ("ADD", "SUB", "MUL", "LOGISTIC", "TANH")


def apply_recipe(float_model: bytes, ranges: Ranges, recipe: Recipe, int16_names: Set[str] = frozenset()) -> bytes:
    """Quantize a graph.

    Args:
        float_model: The exported .tflite.
        ranges: Ranges of every float tensor; not used by dynamic recipes.
        recipe: The types of weights and activations.
        int16_names: Names of tensors that are computed in int16 regardless of the recipe.

    Returns:
        The quantized .tflite, with its constants inside the flatbuffer.
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
    content = _corrected(rewritten(bytes(result.quantized_model)))
    if recipe.has_low_bit_weights:
        content = store_levels(content, graph, grid_of_bits(recipe.weight_bits))
    if recipe.is_static:
        check_integers(parse_tflite(content))
    return content


def _int16_operators(graph: TfliteFile, int16_names: Set[str]) -> Iterator[tuple[str, str]]:
    """Yield (regular expression of the output's name, operator) for every operator that computes one of the tensors."""
    for operator in graph.operators:
        name = graph.tensors[operator.outputs[0]].name
        if name in int16_names:
            yield f"^{re.escape(name)};$", operator.name
    states = [graph.tensors[index].name for name, index in graph.outputs.items() if name.startswith(NEW_STATE)]
    if int16_names & {*states}:
        yield ".*", "INPUT"  # the quantizer treats all inputs as one operator, so that all states have one type


def with_readers(graph: TfliteFile, names: Set[str]) -> set[str]:
    """Return names of tensors, and of the outputs of operators that read them."""
    sources = {tensor.index for tensor in graph.tensors if tensor.name in names}
    readers = [operator for operator in graph.operators if sources.intersection(operator.inputs)]
    return {*names, *(graph.tensors[index].name for operator in readers for index in operator.outputs)}


def state_arithmetic(graph: TfliteFile, states: Set[str]) -> set[str]:
    """Return the names of all tensors that elementwise operators compute between the matrices and the new states."""
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


def _corrected(content: bytes) -> bytes:
    """Correct what the quantizer leaves inconsistent in a graph that mixes int8 and int16.

    * The subgraph's outputs may be those of a QUANTIZE for another reader; the signature is correct, except for int16
      states, for which it names the int8 copy that matrices read.
    * A QUANTIZE from int8 to int16 gets the same scale: exactly value - zero_point, which a compiler can leave out.
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
    """Make a state's output the tensor before its QUANTIZE if that has the type of the state's input."""
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
    """Suppress the quantizer's warnings about its own use of LiteRT (an interpreter that keeps all tensors)."""
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
    """Return ranges whose int16 scales are not powers of two: 0.5 % wider where they would be.

    LiteRT computes ADD and SUB with such scales by shifts, and rejects some, e.g. the difference of two hidden states
    in [-1, 1].
    """

    def factor(name: str) -> float:
        largest = max(abs(ranges.low[name]), abs(ranges.high[name]))
        exponent = math.log2(largest / MAX_INT16) if largest else 0.5
        return 1.005 if abs(exponent - round(exponent)) < POWER_TOLERANCE else 1.0

    factors = {name: factor(name) for name in ranges.low}
    low = {name: value * factors[name] for name, value in ranges.low.items()}
    high = {name: value * factors[name] for name, value in ranges.high.items()}
    return replace(ranges, low=low, high=high)


def _statistics(graph: TfliteFile, ranges: Ranges) -> dict[str, dict[str, np.ndarray]]:
    """Return the ranges in the quantizer's format.

    All have the same shape, because the quantizer compares scales including their shapes, and would requantize between
    tensors of different rank. The quantizer finds the ranges of weights per channel; a table whose rows are gathered
    has one scale, like an activation.
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
    """Raise UserError if a statically quantized graph has float tensors or changes the scale of a state."""
    floats = [tensor.name for tensor in graph.tensors if tensor.dtype.kind == "f"]
    if floats:
        raise UserError("the quantized graph still has float tensors", received=", ".join(floats[:5]))
    for name, index in graph.inputs.items():
        if NEW_STATE + name in graph.outputs:
            _check_state(graph, index, graph.outputs[NEW_STATE + name])


def _check_state(graph: TfliteFile, before: int, after: int) -> None:
    """Raise UserError if a state is requantized in its loop, which would degrade it with every step.

    The copy that a matrix reads may be requantized, because it is not fed back.
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
