"""A .tflite of one operator: builds it and runs it with LiteRT's reference kernels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert.tools import flatbuffer_utils

TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int2": schema.TensorType.INT2,
    "int4": schema.TensorType.INT4,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "bool": schema.TensorType.BOOL,
}

# Operators whose options are not called after them; operators in neither form have no options at all.
OPTIONS_CLASSES = {"BATCH_MATMUL": "BatchMatMulOptions", "MEAN": "ReducerOptions", "SUM": "ReducerOptions"}

ACTIVATIONS = {
    "NONE": schema.ActivationFunctionType.NONE,
    "RELU": schema.ActivationFunctionType.RELU,
    "RELU6": schema.ActivationFunctionType.RELU6,
    "RELU_N1_TO_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}


@dataclass
class Tensor:
    """A tensor of the operator: shape, element type, scale(s) and zero point(s); with `data` it is a constant.

    An empty `scale` means not quantized. Several scales mean per channel along `quantized_dimension`.
    Data of the types int4 and int2 is given unpacked, one value per element of an int8 array.
    """

    shape: Sequence[int]
    dtype: str = "int8"
    scale: float | Sequence[float] = ()
    zero_point: int | Sequence[int] = 0
    quantized_dimension: int = 0
    data: np.ndarray | None = field(default=None, repr=False)


def constant(values: np.ndarray, scale: float | Sequence[float] = (), **quantization) -> Tensor:
    """A constant tensor that holds `values`."""
    values = np.asarray(values)
    return Tensor(values.shape, values.dtype.name, scale, data=values, **quantization)


def _packed(values: np.ndarray, bits: int) -> np.ndarray:
    """`values` (int8, each within `bits` bits), flattened, several to a byte, the first in the lowest bits."""
    per_byte = 8 // bits
    flat = values.astype(np.uint8).reshape(-1) & ((1 << bits) - 1)
    flat = np.pad(flat, (0, -len(flat) % per_byte)).reshape(-1, per_byte)
    return np.bitwise_or.reduce(flat << (bits * np.arange(per_byte, dtype=np.uint8)), axis=1).astype(np.uint8)


def _buffer(tensor: Tensor) -> schema.BufferT:
    buffer = schema.BufferT()
    if tensor.data is not None:
        bits = {"int4": 4, "int2": 2}.get(tensor.dtype)
        values = _packed(tensor.data, bits) if bits else np.ascontiguousarray(tensor.data, tensor.dtype)
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer


def _quantization(tensor: Tensor) -> schema.QuantizationParametersT | None:
    scales = np.atleast_1d(np.asarray(tensor.scale, np.float32))
    if not scales.size:
        return None
    parameters = schema.QuantizationParametersT()
    parameters.scale = scales
    parameters.zeroPoint = np.broadcast_to(np.asarray(tensor.zero_point, np.int64), scales.shape).copy()
    parameters.quantizedDimension = tensor.quantized_dimension
    return parameters


def _schema_tensor(tensor: Tensor, buffer: int, name: str) -> schema.TensorT:
    built = schema.TensorT()
    built.shape = np.asarray(tensor.shape, np.int32)
    built.type = TENSOR_TYPES[tensor.dtype]
    built.buffer = buffer
    built.name = name.encode()
    built.quantization = _quantization(tensor)
    built.hasRank = True
    return built


def _options_name(op_name: str) -> str:
    return OPTIONS_CLASSES.get(op_name, "".join(part.capitalize() for part in op_name.split("_")) + "Options")


def _operator(op_name: str, options: Mapping[str, object]) -> schema.OperatorT:
    operator = schema.OperatorT()
    name = _options_name(op_name)
    if hasattr(schema.BuiltinOptions, name):
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        operator.builtinOptions = getattr(schema, name + "T")()
    for key, value in options.items():
        if not hasattr(operator.builtinOptions, key):
            raise KeyError(f"{op_name} has no option {key}")
        setattr(operator.builtinOptions, key, value)
    return operator


def build(
    op_name: str,
    options: Mapping[str, object] | None,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    version: int = 1,
) -> bytes:
    """The .tflite of one operator.

    Args:
        op_name: name in the schema's BuiltinOperator, such as "FULLY_CONNECTED".
        options: fields of the operator's options table by their names in the schema, such as
            {"fusedActivationFunction": ACTIVATIONS["RELU"]}; the others keep the schema's defaults.
        inputs: the operands in order; None stands for an optional one that is left out; those with data are
            constants, the others are the model's inputs.
        outputs: the results in order.
        version: the operator's version.
    """
    graph, model = schema.SubGraphT(), schema.ModelT()
    graph.tensors, graph.inputs, model.buffers = [], [], [schema.BufferT()]

    def add(tensor: Tensor | None, name: str) -> int:
        if tensor is None:
            return -1
        model.buffers.append(_buffer(tensor))
        graph.tensors.append(_schema_tensor(tensor, len(model.buffers) - 1, name))
        return len(graph.tensors) - 1

    operator = _operator(op_name, options or {})
    operator.inputs = [add(tensor, f"input_{index}") for index, tensor in enumerate(inputs)]
    operator.outputs = [add(tensor, f"output_{index}") for index, tensor in enumerate(outputs)]
    graph.inputs = [at for at, tensor in zip(operator.inputs, inputs, strict=True) if tensor and tensor.data is None]
    graph.outputs, graph.operators, graph.name = list(operator.outputs), [operator], b"main"

    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op_name)
    # Readers older than the extended table look here; 127 tells them to look at builtinCode instead.
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def run_reference(model: bytes, *values: np.ndarray) -> list[np.ndarray]:
    """The outputs of `model` for the values of its inputs, in order, by LiteRT's reference kernels."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
