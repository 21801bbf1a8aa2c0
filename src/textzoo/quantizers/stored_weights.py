"""Low-bit weights (fewer than 8 bits), from a Keras model to the integers in a .tflite.

The quantizer stores a ternary channel {-s, 0, s} as {-127, 0, 127} times s/127, and int4 not even exactly. This module
replaces them by the integers and scales of the grid: the same real weights, as integers that a compiler can pack.
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
    """Return the variables that are rounded to a grid, each (inputs, outputs)."""
    return [variable for variable in model.trainable_variables if is_matrix(variable.path, tuple(variable.shape))]


def put_on_grid(model: LanguageModel, windows: np.ndarray, grid: Grid, equalize: bool) -> LanguageModel:
    """Return a copy with all matrices on the grid; the model itself if they are already, by training.

    Equalization precedes rounding: afterwards it would move weights off the grid.

    Args:
        model: A float model.
        windows: (n, context_length) int32 representative tokens.
        grid: The recipe's grid.
        equalize: Whether to equalize channel ranges first.
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
    """Return a quantized .tflite with the grid's integers and scales in its matrices.

    Args:
        content: The quantizer's output: int8, one scale per row.
        float_graph: The float graph, with its matrices on the grid.
        grid: The recipe's grid.

    Returns:
        The same graph; biases are rounded again, to the new scales of their rows.

    Raises:
        UserError: A matrix is not on the grid.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    tables = {operator.inputs[0] for operator in float_graph.operators if operator.name == "GATHER"}
    # The quantizer adds operators and renames tensors, but keeps the order of these.
    before = [operator for operator in float_graph.operators if operator.name == "FULLY_CONNECTED"]
    for operator, stored in zip(before, fully_connected(model), strict=True):
        weights = float_graph.tensors[operator.inputs[WEIGHTS]]
        if weights.is_constant and weights.index not in tables:
            integers, scales = split_levels(weights.values(), grid, weights.name)
            store(model, stored[WEIGHTS], integers, scales)
            if len(operator.inputs) > BIAS and operator.inputs[BIAS] >= 0:
                bias_scales = stored[0].quantization.scale[0] * scales
                bias = float_graph.tensors[operator.inputs[BIAS]].values()
                store(model, stored[BIAS], rounded_int32(bias / bias_scales), bias_scales)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def fully_connected(model: schema.ModelT) -> Iterator[list[schema.TensorT]]:
    """Yield the inputs of every FULLY_CONNECTED."""
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            yield [graph.tensors[index] for index in operator.inputs]


def store(model: schema.ModelT, tensor: schema.TensorT, integers: np.ndarray, scales: np.ndarray) -> None:
    """Replace the integers and scales of a constant that is symmetric and quantized along its first axis."""
    model.buffers[tensor.buffer].data = integers.ravel().view(np.uint8)
    tensor.quantization.scale = scales.astype(np.float32)
    tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    tensor.quantization.quantizedDimension = 0


def rounded_int32(values: np.ndarray) -> np.ndarray:
    """Round to the nearest integers and clip to int32."""
    limits = np.iinfo(np.int32)
    return np.clip(np.round(values.astype(np.float64)), limits.min, limits.max).astype(np.int32)


def split_levels(weights: np.ndarray, grid: Grid, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Split weights (rows, columns) float32 on a grid into integers, int8 of this shape, and scales (rows,) float32.

    The largest weight of a row has the largest integer, so the scale is their quotient for every kind of grid.
    """
    largest = np.abs(weights).max(axis=1)
    scales = np.where(largest > 0, largest / np.float32(grid.highest), 1).astype(np.float32)
    integers = np.round(weights / scales[:, None])
    if (np.abs(weights - integers * scales[:, None]) > TOLERANCE * scales[:, None]).any():
        raise UserError(f"the matrix {name} is not on the grid of {grid.bits} bits")
    return integers.astype(np.int8), scales
