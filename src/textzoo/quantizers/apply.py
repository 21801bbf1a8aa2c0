"""From a float .tflite and its ranges to a quantized .tflite, by AI Edge Quantizer, checked afterwards."""

import logging
import re
import warnings
from collections.abc import Iterator, Set
from contextlib import contextmanager

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer import quantizer
from ai_edge_quantizer import recipe as edge_recipes

from textzoo.compiler.tflite_file import TfliteFile, parse_tflite, rewritten
from textzoo.engines.litert_engine import NEW_STATE
from textzoo.engines.quiet import quiet_stderr
from textzoo.errors import UserError
from textzoo.quantizers.calibration import Ranges
from textzoo.quantizers.recipes import Recipe


def apply_recipe(float_model: bytes, ranges: Ranges, recipe: Recipe, wide_softmaxes: Set[str] = frozenset()) -> bytes:
    """Quantize a graph.

    Args:
        float_model: The exported .tflite.
        ranges: Of every float tensor; not used by dynamic recipes.
        recipe: What becomes of weights and activations.
        wide_softmaxes: Outputs of softmaxes that are computed in int16, together with the product that they go into.

    Returns:
        The quantized .tflite, its constants inside the flatbuffer.
    """
    graph = parse_tflite(float_model)
    with quiet_stderr(), _quiet_library():
        worker = quantizer.Quantizer(float_model)
        worker.load_quantization_recipe(getattr(edge_recipes, recipe.name)())
        for regex, operator in _wide_operators(graph, wide_softmaxes):
            worker.add_static_config(regex, operator, activation_num_bits=16, weight_num_bits=recipe.weight_bits)
        statistics = _statistics(graph, ranges) if recipe.is_static else None
        result = worker.quantize(statistics, enable_progress_bar=False, enable_progress_report=False)
    content = _mended(rewritten(bytes(result.quantized_model)))
    if recipe.is_static:
        check_integers(parse_tflite(content))
    return content


def _wide_operators(graph: TfliteFile, wide_softmaxes: Set[str]) -> Iterator[tuple[str, str]]:
    """(regular expression of the output's name, operator) of every softmax concerned and of what reads it."""
    wide = {tensor.index for tensor in graph.tensors if tensor.name in wide_softmaxes}
    for operator in graph.operators:
        if wide.intersection((*operator.inputs, *operator.outputs)):
            yield f"^{re.escape(graph.tensors[operator.outputs[0]].name)};$", operator.name


def _mended(content: bytes) -> bytes:
    """What the quantizer leaves to be done where a graph mixes int8 and int16.

    * Its graph outputs may point behind a QUANTIZE that was meant for another reader: the signature is right.
    * int8 becomes int16 with the same step: exactly value - zero_point, which a compiler can leave out.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    model.subgraphs[0].outputs = [entry.tensorIndex for entry in model.signatureDefs[0].outputs]
    tensors = model.subgraphs[0].tensors
    for operator in model.subgraphs[0].operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.QUANTIZE:
            before, after = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
            if (before.type, after.type) == (schema.TensorType.INT8, schema.TensorType.INT16):
                after.quantization.scale = before.quantization.scale
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


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
    """No requantization in the loop of a state: it would wear the state away with every step."""
    old, new = graph.tensors[before], graph.tensors[after]
    if (old.scales, old.zero_points) != (new.scales, new.zero_points):
        raise UserError(f"state {old.name} has two scales", expected=str(old.scales), received=str(new.scales))
    for operator in graph.operators:
        if operator.name == "QUANTIZE" and (before in operator.inputs or after in operator.outputs):
            raise UserError(f"state {old.name} is requantized in its loop")
