"""Reading a .tflite: its operators and tensors as plain data, with every index checked before it is followed.

The file is treated as hostile: LiteRT itself crashes the process on some damaged files, so nothing is handed to an
interpreter before `read_tflite` has walked through all of it, and then only what it has checked (`rewritten`).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from textzoo.common.errors import UserError
from textzoo.common.files import require_file
from textzoo.compiler.tflite.limits import COPIES_OF_THE_FILE, SPARE_BYTES, check_limits, require
from textzoo.compiler.tflite.quantization import Quantized
from textzoo.compiler.tflite.signatures import Interface, chosen_interface, interfaces_of, named_by_contract, text
from textzoo.compiler.tflite.support import (
    DTYPES,
    OPERATOR_NAMES,
    TYPE_NAMES,
    NotSupportedError,
    integers,
    missing_parts,
    operator_code,
    shape_text,
    used_tensors,
)

IDENTIFIER = b"TFL3"
MAX_BYTES = 512 * 2**20
MAX_ELEMENTS = 2**28
MAX_AXES = 8
MAX_OPTION = 64
DESCRIPTION = re.compile(r"textzoo (\w+) context_length=(\d{1,6})")
# How many files are kept as they were parsed, the last ones: a run reads few, each of them several times.
MAX_PARSED_FILES = 4
# Of tensors that are not read, whose type may be any.
UNREAD = np.dtype("V1")
# sha256 of the content -> the file. Nobody changes a TfliteFile.
_parsed: dict[str, "TfliteFile"] = {}


@dataclass(frozen=True)
class TensorInfo(Quantized):
    """One tensor: its index in the subgraph, and its scales and zero points where it is quantized.

    Attributes:
        data: The raw little-endian bytes of a constant, empty for what is computed.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    data: bytes
    is_variable: bool = False

    @property
    def is_constant(self) -> bool:
        """Return whether all values are known, as they are where there are none."""
        return len(self.data) > 0 or 0 in self.shape

    @property
    def is_left_out(self) -> bool:
        """Return whether there are no values to be known: it has no elements, or is of a kind that is not read."""
        return self.dtype == UNREAD or 0 in self.shape

    def values(self) -> np.ndarray:
        """Return the constant as an array of its dtype and shape."""
        return np.frombuffer(self.data, self.dtype.newbyteorder("<")).reshape(self.shape)

    @property
    def form(self) -> tuple[Any, ...]:
        """What a state may not change: shape, type, scales and zero points."""
        return self.shape, self.dtype, self.scales, self.zero_points

    def describe(self) -> str:
        """Return the tensor's type and shape for error messages: int8 1x128."""
        return f"{self.dtype} {shape_text(self.shape)}"


@dataclass(frozen=True)
class OperatorInfo:
    """One operator; inputs that are left out have index -1.

    Attributes:
        options: The builtin options by the names of the schema, empty where there are none.
        version: Of the operator's semantics.
        intermediates: Scale and zero point of what it computes on the way, None where there are none.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    version: int = 1
    intermediates: tuple[tuple[float, int] | None, ...] = ()


@dataclass(frozen=True)
class TfliteFile:
    """The subgraph of a .tflite that is used, and its inputs and outputs (name -> tensor index): see signatures.py.

    Attributes:
        signature: Its key; empty where the file has none.
        subgraph: Its index in the file.
    """

    tensors: list[TensorInfo]
    operators: list[OperatorInfo]
    signature: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    file_bytes: int
    subgraph: int = 0

    def operator_names(self) -> list[str]:
        """Return the kinds of operators, sorted."""
        return sorted({operator.name for operator in self.operators})


def read_tflite(path: Path) -> TfliteFile:
    """Read and check a .tflite: the only signature, or its decode step, or its first subgraph where it has none.

    Raises:
        UserError: The file is missing, too large, truncated or damaged, leaves open which signature is meant, or has
            parts that are not supported, all of which are named.
    """
    return parse_tflite(read_checked_bytes(path), str(path))


def read_checked_bytes(path: Path) -> bytes:
    """Read a file whose size and identifier are those of a .tflite."""
    path = Path(path)
    require_file(path, "model file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UserError(f"{path} is too large for a .tflite", expected=f"at most {MAX_BYTES} bytes")
    content = path.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise UserError(f"{path} is not a .tflite", expected="the identifier TFL3 at byte 4", received=_start(content))
    return content


def _start(content: bytes) -> str:
    return repr(content[4:8]) if content else "an empty file"


def parse_tflite(content: bytes, name: str = "model") -> TfliteFile:
    """Parse and check the bytes of a .tflite, once for each content; `name` is for error messages."""
    digest = hashlib.sha256(content).hexdigest()
    if digest not in _parsed:
        _parsed[digest] = _parse(content, name)
        while len(_parsed) > MAX_PARSED_FILES:
            del _parsed[next(iter(_parsed))]
    return _parsed[digest]


def _parse(content: bytes, name: str) -> TfliteFile:
    with _damages_named(name):
        model = unpacked(content)
        interfaces = interfaces_of(model)
    interface = chosen_interface(interfaces, name)
    with _damages_named(name):
        file = _checked(model, interface, content)
        missing = missing_parts(model, model.subgraphs[interface.subgraph], interface)
    if missing:
        raise NotSupportedError(name, missing, file)
    return file


@contextmanager
def _damages_named(name: str) -> Iterator[None]:
    """Let every error say which file it is about."""
    try:
        yield
    except UserError as error:
        raise damaged(name, str(error)) from None
    except Exception as error:  # the generated reader raises whatever an invalid offset leads to
        raise damaged(name, f"{type(error).__name__} while reading it") from None


def unpacked(content: bytes) -> Any:
    """Unpack a file, which is bounded by its size, to a schema.ModelT."""
    check_limits(schema.Model.GetRootAs(content), len(content))
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def damaged(name: str, why: str) -> UserError:
    return UserError(
        f"{name} is truncated, damaged or not a language model's graph",
        received=why,
        remedy="Export or quantize the model again.",
    )


def not_run(name: str, why: str) -> UserError:
    """Return the error of a file in which nothing is damaged, but which LiteRT cannot run."""
    return UserError(f"LiteRT cannot run {name}", received=why, remedy="Export or quantize the model again.")


def _checked(model: Any, interface: Interface, content: bytes) -> TfliteFile:
    require(model.version == 3, f"schema version {model.version}")
    require(0 <= interface.subgraph < len(model.subgraphs), f"a signature of subgraph {interface.subgraph}")
    graph = model.subgraphs[interface.subgraph]
    _check_sizes(graph, model, len(content))
    operators = [_operator(operator, model, graph.tensors or []) for operator in graph.operators or []]
    require(len(operators) > 0, "no operators")
    _check_places(interface, graph)
    used = used_tensors(graph, interface)
    tensors = [
        _tensor(index, tensor, model, content) if index in used else _unread_tensor(index, tensor)
        for index, tensor in enumerate(graph.tensors or [])
    ]
    _check_order(interface, graph, tensors, operators)
    interface = named_by_contract(interface, tensors, operators)
    inputs, outputs = interface.inputs, interface.outputs
    return TfliteFile(tensors, operators, interface.signature, inputs, outputs, len(content), interface.subgraph)


def _check_sizes(graph: Any, model: Any, file_bytes: int) -> None:
    """Bound what the tensors hold together, before any constant is copied: they may share one."""
    elements, constants = 0, 0
    for tensor in graph.tensors or []:
        shape = [] if tensor.shape is None else tensor.shape
        require(len(shape) <= MAX_AXES, f"tensor {text(tensor.name)} has {len(shape)} axes")
        require(all(size >= 0 for size in shape), f"tensor {text(tensor.name)} has shape {shape_text(shape)}")
        elements += _elements(integers(shape))
        require(0 <= tensor.buffer < len(model.buffers or []), f"buffer {tensor.buffer} of {len(model.buffers or [])}")
        buffer = model.buffers[tensor.buffer]
        constants += buffer.size if buffer.offset > 1 else 0 if buffer.data is None else len(buffer.data)
    require(elements <= MAX_ELEMENTS, f"tensors of {elements} elements together")
    require(constants <= COPIES_OF_THE_FILE * file_bytes + SPARE_BYTES, f"constants of {constants} bytes")


def _elements(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=object)) if shape else 1


def _check_places(interface: Interface, graph: Any) -> None:
    """Check that a signature has no other inputs than its subgraph; its outputs may be any tensor that is computed."""
    count = len(graph.tensors or [])
    graph_inputs, graph_outputs = integers(graph.inputs), integers(graph.outputs)
    require(all(0 <= index < count for index in graph_inputs + graph_outputs), "inputs that are not there")
    indices = [*interface.inputs.values(), *interface.outputs.values()]
    require(all(0 <= index < count for index in indices), "a signature without its tensors")
    named = list(interface.inputs.values())
    single = len(set(named)) == len(named) and len(set(graph_inputs)) == len(graph_inputs)
    require(single and set(named) <= set(graph_inputs), "signature and graph have other inputs")


def rewritten(content: bytes) -> bytes:
    """Write the subgraph that `parse_tflite` checks anew, with its constants: nothing unchecked survives that.

    Tensors that are not read are empty in it, and what its signature does not name is no output.
    """
    model = unpacked(content)
    interfaces = interfaces_of(model)
    interface = chosen_interface(interfaces, "the model")
    graph = model.subgraphs[interface.subgraph]
    model.subgraphs = [graph]
    model.buffers.append(schema.BufferT())
    used = used_tensors(graph, interface)
    used.update(index for operator in graph.operators or [] for index in integers(operator.intermediates))
    graph.tensors = [
        tensor if index in used else _empty_tensor(tensor, len(model.buffers) - 1)
        for index, tensor in enumerate(graph.tensors)
    ]
    read = {tensor.buffer for tensor in graph.tensors}
    model.buffers = [
        own_buffer(buffer, content) if index in read else schema.BufferT() for index, buffer in enumerate(model.buffers)
    ]
    _keep_operator_codes(model, graph)
    if model.signatureDefs:
        model.signatureDefs = [model.signatureDefs[interfaces.index(interface)]]
        model.signatureDefs[0].subgraphIndex = 0
        graph.inputs, graph.outputs = list(interface.inputs.values()), list(dict.fromkeys(interface.outputs.values()))
    model.metadata, model.metadataBuffer, model.externalBuffers, model.externalBufferGroups = [], None, [], []
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _empty_tensor(tensor: Any, empty_buffer: int) -> Any:
    """Return a tensor that may be anywhere where nothing reads one."""
    empty = schema.TensorT()
    empty.name, empty.buffer = tensor.name, empty_buffer
    return empty


def _keep_operator_codes(model: Any, graph: Any) -> None:
    """Keep only the codes of operators that are used: LiteRT refuses files with others that it does not know."""
    kept = sorted({operator.opcodeIndex for operator in graph.operators})
    model.operatorCodes = [model.operatorCodes[index] for index in kept]
    for operator in graph.operators:
        operator.opcodeIndex = kept.index(operator.opcodeIndex)


def own_buffer(buffer: Any, content: bytes) -> Any:
    """Return a buffer with its data inside the flatbuffer."""
    if buffer.offset > 1:
        buffer.data = np.frombuffer(content[buffer.offset : buffer.offset + buffer.size], np.uint8)
    buffer.offset = buffer.size = 0
    return buffer


def _tensor(index: int, tensor: Any, model: Any, content: bytes) -> TensorInfo:
    name = text(tensor.name)
    require(tensor.type in TYPE_NAMES, f"tensor {name} has a type that there is not")
    shape = tuple(integers(tensor.shape))
    data = _buffer(tensor, model, content)
    if tensor.type not in DTYPES or tensor.sparsity is not None:
        return _unread_tensor(index, tensor)  # refused later, with all others
    dtype = DTYPES[tensor.type]
    require(len(data) in (0, _elements(shape) * dtype.itemsize), f"tensor {name} has {len(data)} bytes of data")
    scales, zero_points = _quantization(name, tensor.quantization, shape)
    return TensorInfo(index, name, shape, dtype, scales, zero_points, data, bool(tensor.isVariable))


def _unread_tensor(index: int, tensor: Any) -> TensorInfo:
    """Return a tensor that nothing reads, left over from what made the file: only its number counts."""
    return TensorInfo(index, text(tensor.name), tuple(integers(tensor.shape)), UNREAD, (), (), b"")


def _buffer(tensor: Any, model: Any, content: bytes) -> bytes:
    buffers = model.buffers or []
    require(0 <= tensor.buffer < len(buffers), f"buffer {tensor.buffer} of {len(buffers)}")
    buffer = buffers[tensor.buffer]
    if buffer.offset > 1:
        require(buffer.offset + buffer.size <= len(content), "a buffer beyond the end of the file")
        return content[buffer.offset : buffer.offset + buffer.size]
    return b"" if buffer.data is None else bytes(bytearray(buffer.data))


def _quantization(name: str, parameters: Any, shape: tuple[int, ...]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    if parameters is None or parameters.scale is None or len(parameters.scale) == 0:
        return (), ()
    scales = tuple(float(scale) for scale in parameters.scale)
    zero_points = tuple(integers(parameters.zeroPoint)) or (0,) * len(scales)
    require(len(zero_points) in (1, len(scales)), f"tensor {name} has {len(zero_points)} zero points")
    # A channel whose weights are all 0 may have the scale 0.
    possible = all(0 < scale < float("inf") or (scale == 0 and len(scales) > 1) for scale in scales)
    require(possible, f"tensor {name} has an impossible scale")
    if len(scales) > 1:
        axis = parameters.quantizedDimension
        require(0 <= axis < len(shape) and shape[axis] == len(scales), f"tensor {name} has {len(scales)} scales")
    return scales, zero_points


def _operator(operator: Any, model: Any, tensors: Sequence[Any]) -> OperatorInfo:
    codes, tensor_count = model.operatorCodes or [], len(tensors)
    require(0 <= operator.opcodeIndex < len(codes), "an operator without a code")
    code = codes[operator.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    require(builtin in OPERATOR_NAMES, f"an operator that LiteRT does not have, number {builtin}")
    name, _ = operator_code(operator, model)
    inputs, outputs = tuple(integers(operator.inputs)), tuple(integers(operator.outputs))
    require(all(-1 <= index < tensor_count for index in inputs), f"{name} reads a tensor that is not there")
    require(all(0 <= index < tensor_count for index in outputs), f"{name} writes a tensor that is not there")
    options = dict(vars(operator.builtinOptions)) if operator.builtinOptions is not None else {}
    longest = max((np.size(value) for value in options.values()), default=0)
    require(longest <= MAX_OPTION, f"{name} has an option of {longest} numbers")
    between = integers(operator.intermediates)
    require(all(0 <= index < tensor_count for index in between), f"{name} has a tensor between that is not there")
    intermediates = tuple(_format_between(tensors[index]) for index in between)
    return OperatorInfo(name, inputs, outputs, options, int(code.version), intermediates)


def _format_between(tensor: Any) -> tuple[float, int] | None:
    """Return the scale and zero point of a tensor between an operator's inputs and outputs; None where it has none."""
    scales, zero_points = _quantization(text(tensor.name), tensor.quantization, ())
    return (scales[0], zero_points[0]) if scales else None


def _check_order(interface: Interface, graph: Any, tensors: list[TensorInfo], operators: list[OperatorInfo]) -> None:
    """Check that each tensor is an input, a constant, or written once before it is read; others refuse variables."""
    computed = {index for operator in operators for index in operator.outputs}
    known = {tensor.index for tensor in tensors if tensor.data}
    known.update(tensor.index for tensor in tensors if tensor.is_left_out and tensor.index not in computed)
    known.update(integers(graph.inputs))
    known.update(index for index, tensor in enumerate(graph.tensors) if tensor.isVariable or tensor.externalBuffer)
    for operator in operators:
        require(all(index in known or index == -1 for index in operator.inputs), f"{operator.name} reads too early")
        require(not known.intersection(operator.outputs), f"{operator.name} overwrites a tensor")
        known.update(operator.outputs)
    require(known.issuperset(interface.outputs.values()), "outputs that nothing computes")


def context_length_of(graph: TfliteFile, content: bytes, label: str) -> int:
    """Return the context length from the file's description, or else from the table of position embeddings."""
    description = schema.Model.GetRootAs(content).Description() or b""
    match = DESCRIPTION.fullmatch(description.decode("utf-8", "replace"))
    lengths = [int(match[2])] if match else []
    position = graph.inputs["position"]
    for operator in graph.operators:
        if operator.name == "GATHER" and operator.inputs[1:2] == (position,):
            lengths.append(graph.tensors[operator.inputs[0]].shape[0])
    if not lengths or min(lengths) < 1:
        raise UserError(f"{label} does not say its context length", expected="'textzoo decode context_length=<n>'")
    return min(lengths)
