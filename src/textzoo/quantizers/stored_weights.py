"""Weights of fewer than 8 bits, from a Keras model to the integers in a .tflite.

The quantizer stores a ternary channel {-s, 0, s} as {-127, 0, 127} times s/127, and int4 not even exactly. Here the
finished file gets the integers of the grid and its scales instead: the same products, in integers that a compiler can
pack.
"""

from collections.abc import Iterator

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import TfliteFile
from textzoo.models.base import LanguageModel
from textzoo.models.configs import is_matrix
from textzoo.quantizers.weight_grids import TOLERANCE, Grid, is_on_grid, rounded

WEIGHTS, BIAS = 1, 2  # indices among the inputs of a FULLY_CONNECTED


def matrices_of(model: LanguageModel) -> list:
    """The variables that are rounded to a grid, (inputs, outputs) each."""
    return [variable for variable in model.trainable_variables if is_matrix(variable.path, tuple(variable.shape))]


def put_on_grid(model: LanguageModel, windows: np.ndarray, grid: Grid, equalize: bool) -> LanguageModel:
    """A copy with all matrices on the grid; the model itself if they are there, because it was trained so.

    Equalization comes before rounding: afterwards it would move weights off the grid.

    Args:
        model: A float model.
        windows: (n, context_length) int32 representative tokens.
        grid: Of the recipe.
        equalize: Whether to balance channel ranges first.
    """
    if all(is_on_grid(matrix.value, grid) for matrix in matrices_of(model)):
        return model
    copy = model.equalized(windows) if equalize else model
    if copy is model:
        copy = model.copy()
    for matrix in matrices_of(copy):
        matrix.assign(rounded(matrix.value, grid))
    return copy


def store_levels(content: bytes, float_graph: TfliteFile, grid: Grid) -> bytes:
    """A quantized .tflite with the grid's integers and scales in its matrices.

    Args:
        content: As the quantizer made it: int8, one scale per row.
        float_graph: What it was made from, its matrices on the grid.
        grid: Of the recipe.

    Returns:
        The same graph; a bias is rounded anew, to the new scale of its row.

    Raises:
        UserError: A matrix is not on the grid.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    tables = {operator.inputs[0] for operator in float_graph.operators if operator.name == "GATHER"}
    # The quantizer adds operators and renames tensors, but leaves these in their order.
    before = [operator for operator in float_graph.operators if operator.name == "FULLY_CONNECTED"]
    for operator, stored in zip(before, fully_connected(model), strict=True):
        weights = float_graph.tensors[operator.inputs[WEIGHTS]]
        if weights.is_constant and weights.index not in tables:
            integers, scales = split_levels(weights.values(), grid, weights.name)
            store(model, stored[WEIGHTS], integers, scales)
            if len(operator.inputs) > BIAS and operator.inputs[BIAS] >= 0:
                bias_scales = stored[0].quantization.scale[0] * scales
                bias = float_graph.tensors[operator.inputs[BIAS]].values()
                store(model, stored[BIAS], whole_numbers(bias / bias_scales), bias_scales)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def fully_connected(model: schema.ModelT) -> Iterator[list[schema.TensorT]]:
    """The inputs of every FULLY_CONNECTED."""
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            yield [graph.tensors[index] for index in operator.inputs]


def store(model: schema.ModelT, tensor: schema.TensorT, integers: np.ndarray, scales: np.ndarray) -> None:
    """Give a constant, symmetric along its first axis, other integers of its type and other scales."""
    model.buffers[tensor.buffer].data = integers.ravel().view(np.uint8)
    tensor.quantization.scale = scales.astype(np.float32)
    tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    tensor.quantization.quantizedDimension = 0


def whole_numbers(values: np.ndarray) -> np.ndarray:
    """Rounded and clipped to int32."""
    limits = np.iinfo(np.int32)
    return np.clip(np.round(values.astype(np.float64)), limits.min, limits.max).astype(np.int32)


def split_levels(weights: np.ndarray, grid: Grid, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Weights (rows, columns) float32 on a grid -> integers of the same shape, int8, and scales (rows,) float32.

    The largest weight of a row has the largest integer, so that the scale is a quotient, whatever rule found it.
    """
    largest = np.abs(weights).max(axis=1)
    scales = np.where(largest > 0, largest / np.float32(grid.highest), 1).astype(np.float32)
    integers = np.round(weights / scales[:, None])
    if (np.abs(weights - integers * scales[:, None]) > TOLERANCE * scales[:, None]).any():
        raise UserError(f"the matrix {name} is not on the grid of {grid.bits} bits")
    return integers.astype(np.int8), scales
