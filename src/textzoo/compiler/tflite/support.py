"""What a well-formed .tflite may hold that TextZoo does not run, all of it found at once."""

import collections
from collections.abc import Callable, Sequence, Set
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.signatures import Interface, text

# What they compute is in other subgraphs or libraries, or is kept between runs.
REFUSED_OPERATORS = {"CUSTOM", "DELEGATE", "IF", "WHILE", "CALL", "CALL_ONCE"}
REFUSED_OPERATORS |= {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}
REFUSED_OPERATORS |= {"HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE"}
STABLEHLO = "STABLEHLO_"
# type code -> numpy dtype of what is read; other types do not occur in the graph of a model of integers or floats.
DTYPES = {
    schema.TensorType.FLOAT32: np.dtype("float32"),
    schema.TensorType.INT8: np.dtype("int8"),
    schema.TensorType.INT16: np.dtype("int16"),
    schema.TensorType.INT32: np.dtype("int32"),
    schema.TensorType.INT64: np.dtype("int64"),
    schema.TensorType.BOOL: np.dtype("bool"),
}
OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}
# What else a schema.TensorT can be that is not read, in the words of the message.
KINDS: dict[str, Callable[[Any], bool]] = {
    "tensors whose values are in another file": lambda tensor: tensor.externalBuffer != 0,
    "sparse tensors": lambda tensor: tensor.sparsity is not None,
    "tensors quantized otherwise than by scales per tensor or per channel": lambda tensor: (
        tensor.quantization is not None and tensor.quantization.details is not None
    ),
}
# Operators -> the inputs that may be lists of no axes, sizes or indices, as they are where a scalar is meant.
LISTS: dict[str, tuple[int, ...]] = {
    "RESHAPE": (1,),
    "MEAN": (1,),
    "SUM": (1,),
    "SLICE": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "DYNAMIC_UPDATE_SLICE": (2,),
}
# Operators -> the inputs that may be variables: the states that they read, and then write.
STATES: dict[str, tuple[int, ...]] = {"UNIDIRECTIONAL_SEQUENCE_LSTM": (18, 19)}
# Of a kind, so many are named.
MAX_NAMES = 20
MAX_NAME_LENGTH = 80


def integers(values: Any) -> list[int]:
    """Return a vector of a file as Python's numbers; empty where it is left out."""
    return [] if values is None else [int(value) for value in values]


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as messages show it: 1x128, 1x? where a size is not known, or scalar."""
    return "x".join(str(int(size)) if size >= 0 else "?" for size in shape) or "scalar"


def operator_code(operator: Any, model: Any) -> tuple[str, str]:
    """Return the name of an operator of a schema.ModelT, with the name of the custom one where it is CUSTOM."""
    code = model.operatorCodes[operator.opcodeIndex]
    return OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)], text(code.customCode)


def used_tensors(graph: Any, interface: Interface) -> set[int]:
    """Return the numbers of the tensors that operators read or write, or that go in or come out."""
    used = {*interface.inputs.values(), *interface.outputs.values()}
    for operator in graph.operators or []:
        for indices in (operator.inputs, operator.outputs):
            used.update(integers(indices))
    return used - {-1}


class NotSupportedError(UserError):
    """A file in which nothing is damaged, but parts are not supported.

    Args:
        name: Of the file, for the message.
        missing: Those parts, a line for each kind.
        file: What was read nevertheless (a TfliteFile).
    """

    def __init__(self, name: str, missing: Sequence[str], file: Any) -> None:
        super().__init__(
            f"{name} is a .tflite with parts that are not supported",
            expected="operators without subgraphs, libraries or variables of their own; tensors of constant shapes and "
            f"types {', '.join(sorted(str(dtype) for dtype in DTYPES.values()))}",
            received="\n  ".join(["", *missing]),
            remedy="Convert the model without them; states are inputs and outputs.",
        )
        self.file = file


def missing_parts(model: Any, graph: Any, interface: Interface) -> list[str]:
    """Return a line for each kind of thing in a schema.ModelT that is not supported, with the names of all of the kind.

    Tensors that are not read may be of any kind.
    """
    used = used_tensors(graph, interface)
    found = {"operators": refused_operators(model, graph)}
    by_kind = {f"tensors of type {TYPE_NAMES[code]}": of_type(code, graph, used) for code in unread_types(graph, used)}
    by_kind |= {kind: {index for index in used if refused(graph.tensors[index])} for kind, refused in KINDS.items()}
    by_kind["tensors that keep their values between runs"] = other_variables(model, graph, used)
    by_kind["tensors without elements"] = without_elements(model, graph, used)
    by_kind["tensors whose shapes are known only at run time"] = unknown_shapes(graph, used)
    by_kind["inputs that the signature leaves out"] = left_out(graph, interface)
    found |= {kind: [described(graph.tensors[index]) for index in sorted(those)] for kind, those in by_kind.items()}
    return [f"{kind}: {listed(names)}" for kind, names in found.items() if names]


def refused_operators(model: Any, graph: Any) -> list[str]:
    """Return `CUSTOM FlexErf`, `WHILE`, ... as often as they are there."""
    names = [operator_code(operator, model) for operator in graph.operators or []]
    return [f"{name} {shown(custom)}".rstrip() for name, custom in names if is_refused(name)]


def is_refused(operator: str) -> bool:
    """Return whether an operator is not run at all, whatever its tensors are."""
    return operator in REFUSED_OPERATORS or operator.startswith(STABLEHLO)


def unread_types(graph: Any, used: Set[int]) -> list[int]:
    """Return the type codes of tensors in use that are not read."""
    return sorted({graph.tensors[index].type for index in used} - DTYPES.keys())


def of_type(code: int, graph: Any, used: Set[int]) -> set[int]:
    return {index for index in used if graph.tensors[index].type == code}


def without_elements(model: Any, graph: Any, used: Set[int]) -> set[int]:
    """Return the tensors without elements, except constant lists that say that a scalar is meant."""
    others: set[int] = {*integers(graph.inputs), *integers(graph.outputs)}
    for operator in graph.operators or []:
        lists = LISTS.get(operator_code(operator, model)[0], ())
        others.update(integers(operator.outputs))
        others.update(source for index, source in enumerate(integers(operator.inputs)) if index not in lists)
    return {index for index in used & others if 0 in integers(graph.tensors[index].shape)}


def other_variables(model: Any, graph: Any, used: Set[int]) -> set[int]:
    """Return the variables that are not the state of one operator, which nothing else reads or writes."""
    states, others = collections.Counter[int](), {*integers(graph.inputs), *integers(graph.outputs)}
    for operator in graph.operators or []:
        places = STATES.get(operator_code(operator, model)[0], ())
        others.update(integers(operator.outputs))
        for place, index in enumerate(integers(operator.inputs)):
            states.update([index] if place in places else [])
            others.update([] if place in places else [index])
    return {index for index in used if graph.tensors[index].isVariable and (states[index] != 1 or index in others)}


def unknown_shapes(graph: Any, used: Set[int]) -> set[int]:
    """Return the tensors of unknown shape, except inputs whose first axis, the number of windows, is unknown."""
    unknown = {index: unknown_axes(graph.tensors[index]) for index in used}
    inputs = used.intersection(integers(graph.inputs))
    if any(unknown[index] for index in inputs):
        return {index for index in inputs if unknown[index] - {0}}
    return {index for index in used if unknown[index]}


def unknown_axes(tensor: Any) -> set[int]:
    return {axis for axis, size in enumerate(integers(tensor.shapeSignature)) if size < 0}


def left_out(graph: Any, interface: Interface) -> set[int]:
    """Return the inputs that operators read and nothing would fill."""
    read = set().union(*(integers(operator.inputs) for operator in graph.operators or []))
    return read.intersection(integers(graph.inputs)) - set(interface.inputs.values())


def described(tensor: Any) -> str:
    """Return `block_0/scores (float16 1x128)`, of a schema.TensorT."""
    shape = integers(tensor.shapeSignature) or integers(tensor.shape)
    return f"{shown(text(tensor.name))} ({TYPE_NAMES[tensor.type]} {shape_text(shape)})"


def shown(name: str) -> str:
    """Return a name from a file, which may be long or hold anything, for a message."""
    name = name if len(name) <= MAX_NAME_LENGTH else f"{name[:MAX_NAME_LENGTH]}..."
    return name.encode("unicode_escape").decode() if not name.isprintable() else name


def listed(names: Sequence[str]) -> str:
    """Return the names once each, with how often they occur, in the order of their first occurrence."""
    counts = collections.Counter(names)
    texts = [f"{name} ({count} times)" if count > 1 else name for name, count in counts.items()]
    rest = len(texts) - MAX_NAMES
    return ", ".join([*texts[:MAX_NAMES], *([f"and {rest} more"] if rest > 0 else [])])
