"""A .tflite of one operator, or of a few: builds it and runs it with LiteRT's reference kernels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

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
OPTIONS_CLASSES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "PADV2": "PadV2Options",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL", "REDUCE_PROD"), "ReducerOptions"
    ),
}

# Operators of which LiteRT has no first version.
FIRST_VERSIONS = {"BROADCAST_TO": 2}

ACTIVATIONS = {
    "NONE": schema.ActivationFunctionType.NONE,
    "RELU": schema.ActivationFunctionType.RELU,
    "RELU6": schema.ActivationFunctionType.RELU6,
    "RELU_N1_TO_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}


@dataclass(eq=False)
class Tensor:
    """A tensor of an operator: shape, element type, scale(s) and zero point(s); with `data` it is a constant.

    An empty `scale` means not quantized. Several scales mean per channel along `quantized_dimension`.
    Data of the types int4 and int2 is given unpacked, one value per element of an int8 array. Without a `name` it is
    called after what it is for the model. A variable keeps its values from run to run.
    """

    shape: Sequence[int]
    dtype: str = "int8"
    scale: float | Sequence[float] = ()
    zero_point: int | Sequence[int] = 0
    quantized_dimension: int = 0
    data: np.ndarray | None = field(default=None, repr=False)
    name: str = ""
    is_variable: bool = False


def constant(values: np.ndarray, scale: float | Sequence[float] = (), **quantization) -> Tensor:
    """Return a constant tensor that holds `values`."""
    values = np.asarray(values)
    return Tensor(values.shape, values.dtype.name, scale, data=values, **quantization)


def _packed(values: np.ndarray, bits: int) -> np.ndarray:
    """Pack `values` (int8, each within `bits` bits), flattened, several to a byte, the first in the lowest bits."""
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
    built.isVariable = tensor.is_variable
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


@dataclass
class Operation:
    """One operator of the model.

    Attributes:
        name: In the schema's BuiltinOperator, such as "FULLY_CONNECTED".
        inputs: The operands in order; None stands for an optional one that is left out.
        outputs: The results in order.
        options: Fields of the operator's options table by their names in the schema, such as
            {"fusedActivationFunction": ACTIVATIONS["RELU"]}; the others keep the schema's defaults.
        version: The operator's version.
        intermediates: Tensors that say the scales of what is computed on the way.
    """

    name: str
    inputs: Sequence[Tensor | None]
    outputs: Sequence[Tensor]
    options: Mapping[str, object] = field(default_factory=dict)
    version: int = 1
    intermediates: Sequence[Tensor] = ()


def build(
    op_name: str,
    options: Mapping[str, object] | None,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    version: int = 1,
) -> bytes:
    """Build the .tflite of one operator; see `Operation`."""
    return build_all([Operation(op_name, inputs, outputs, options or {}, version)])


def build_all(operations: Sequence[Operation], states: Mapping[Tensor, Tensor] = MappingProxyType({})) -> bytes:
    """Build the .tflite of several operators, each of which may read what earlier ones have computed.

    The same Tensor object is the same tensor of the model. Those with data are constants; the others that no operator
    computes are the model's inputs, "input_0", "input_1", ... in the order of their first use; those that no other
    operator reads are its outputs, "output_0", "output_1", ... The signature is "main".

    Args:
        operations: In the order of their computation.
        states: Inputs and the outputs that replace them in the next run: "state_0" and "new_state_0", ...
    """
    roles = _named_tensors(operations, states)
    numbered = [(tensor, f"{role}_{index}") for role, tensors in roles.items() for index, tensor in enumerate(tensors)]
    names = {tensor: tensor.name or name for tensor, name in numbered}
    inputs = {names[tensor]: tensor for role in ("input", "state") for tensor in roles[role]}
    outputs = {names[tensor]: tensor for role in ("output", "new_state") for tensor in roles[role]}
    return build_named(operations, inputs, outputs, names)


def build_step(
    operations: Sequence[Operation],
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    context_length: int = 0,
) -> bytes:
    """Build the .tflite of a decode step: the same, with inputs and outputs as they are given.

    Args:
        operations: In the order of their computation.
        inputs: Name -> tensor; it may be read by no operator.
        outputs: Name -> tensor, which may be an input, a constant, or another output too.
        context_length: Stands in the file's description; 0 for none.
    """
    tensors = dict.fromkeys([*inputs.values(), *outputs.values()])
    for operation in operations:
        tensors |= dict.fromkeys(tensor for tensor in (*operation.inputs, *operation.outputs) if tensor is not None)
    names = {tensor: f"tensor_{index}" for index, tensor in enumerate(tensors)}
    names |= {tensor: name for given in (outputs, inputs) for name, tensor in given.items()}
    description = f"textzoo decode context_length={context_length}" if context_length else ""
    return build_named(operations, inputs, outputs, names, description, signature="decode")


def build_named(
    operations: Sequence[Operation],
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    names: Mapping[Tensor, str],
    description: str = "",
    signature: str = "main",
) -> bytes:
    """Build the .tflite of operators with an interface of its own.

    Args:
        operations: In the order of their computation.
        inputs: Name in the signature -> tensor, in the order of the file.
        outputs: The same; may be inputs, constants, what operators read, and the same tensor several times.
        names: Of every tensor in the file, in its order there; they need not differ.
        description: Of the file.
        signature: Its key.
    """
    indices = {tensor: index for index, tensor in enumerate(names)}
    graph, model, codes = schema.SubGraphT(), schema.ModelT(), {}
    model.buffers = [schema.BufferT(), *(_buffer(tensor) for tensor in names)]
    graph.tensors = [_schema_tensor(tensor, index + 1, names[tensor]) for tensor, index in indices.items()]
    graph.inputs = [indices[tensor] for tensor in inputs.values()]
    graph.outputs = [indices[tensor] for tensor in outputs.values()]
    graph.operators, graph.name = [], signature.encode()
    for operation in operations:
        built = _operator(operation.name, operation.options)
        built.inputs = [-1 if tensor is None else indices[tensor] for tensor in operation.inputs]
        built.outputs = [indices[tensor] for tensor in operation.outputs]
        built.intermediates = [indices[tensor] for tensor in operation.intermediates] or None
        built.opcodeIndex = codes.setdefault((operation.name, operation.version), len(codes))
        graph.operators.append(built)
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [_code(*code) for code in codes]
    model.description = description.encode() or None
    model.signatureDefs = [_signature(signature, inputs, outputs, indices)]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _named_tensors(operations: Sequence[Operation], states: Mapping[Tensor, Tensor]) -> dict[str, list[Tensor]]:
    """Return the tensors that are named for the model, each once, in the order of their first use."""
    held = {*states.keys(), *states.values()}
    read = dict.fromkeys(tensor for operation in operations for tensor in operation.inputs if tensor is not None)
    written = dict.fromkeys(tensor for operation in operations for tensor in operation.outputs)
    return {
        "state": list(states.keys()),
        "new_state": list(states.values()),
        "input": [
            tensor
            for tensor in read
            if tensor.data is None and tensor not in written and tensor not in held and not tensor.is_variable
        ],
        "constant": [tensor for tensor in read if tensor.data is not None],
        "variable": [tensor for tensor in read if tensor.is_variable],
        "between": [tensor for operation in operations for tensor in operation.intermediates],
        "inner": [tensor for tensor in written if tensor in read and tensor not in held],
        "output": [tensor for tensor in written if tensor not in read and tensor not in held],
    }


def _code(op_name: str, version: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op_name)
    # Readers older than the extended table look here; 127 tells them to look at builtinCode instead.
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = max(version, FIRST_VERSIONS.get(op_name, 1))
    return code


def _signature(
    key: str, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], indices: Mapping[Tensor, int]
) -> schema.SignatureDefT:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = key.encode(), 0
    signature.inputs = [_signature_entry(name, indices[tensor]) for name, tensor in inputs.items()]
    signature.outputs = [_signature_entry(name, indices[tensor]) for name, tensor in outputs.items()]
    return signature


def _signature_entry(name: str, index: int) -> schema.TensorMapT:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), index
    return entry


def run_reference(model: bytes, *values: np.ndarray) -> list[np.ndarray]:
    """Compute the outputs of `model` for the values of its inputs, in order, by LiteRT's reference kernels."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
